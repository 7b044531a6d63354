"""Sets up the Stripe account: webhook endpoint, portal, payment methods, key permissions."""
