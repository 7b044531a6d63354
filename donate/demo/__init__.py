"""`donate demo`: runs the service with a pretend Stripe and a year of example gifts."""
