"""What we ask of Stripe, and ask again until there is an answer."""
