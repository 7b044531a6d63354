"""Stripe's objects as this Stripe writes them."""
