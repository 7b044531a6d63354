"""Gifts: the facts recorded about each one, and the status computed from them."""
