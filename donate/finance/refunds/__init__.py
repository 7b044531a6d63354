"""Refunds that staff request."""
