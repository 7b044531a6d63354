"""`donate demo`: a year of example gifts beside a pretend Stripe."""
