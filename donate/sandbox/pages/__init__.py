"""The pretend Stripe's pages."""
