"""Requests to Stripe, retried until Stripe answers."""
