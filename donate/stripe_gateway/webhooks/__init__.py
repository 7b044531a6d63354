"""Verifies, stores and settles Stripe's events, and applies what staff decide about them."""
