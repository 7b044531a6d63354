"""Ties bank lines to gifts and payouts: staff decide, or a suggestion is certain.

Ties can be undone.
"""
