"""Fetches what Stripe has and we do not."""
