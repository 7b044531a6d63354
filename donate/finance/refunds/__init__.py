"""Refunds by staff."""
