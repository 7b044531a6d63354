"""Stripe's objects with their fields, as the sandbox creates them."""
