"""Checkout sessions, and the payments that are made on their pages."""
