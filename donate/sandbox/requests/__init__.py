"""Reads requests as strictly as Stripe does: bodies, parameters and permissions."""
