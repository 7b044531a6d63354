"""Assumptions about Stripe's balance."""
