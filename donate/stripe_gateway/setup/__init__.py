"""How the Stripe account is set up: webhook endpoint, portal, methods, permissions."""
