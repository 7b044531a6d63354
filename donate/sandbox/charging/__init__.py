"""Charges, saved payment methods, refunds and disputes."""
