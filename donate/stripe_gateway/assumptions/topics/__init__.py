"""One file of assumptions for each part of Stripe."""
