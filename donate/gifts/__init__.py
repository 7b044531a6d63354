"""Gifts: the facts recorded about each gift, and the status computed from those facts."""
