"""Checkout sessions and the payments made on their pages."""
