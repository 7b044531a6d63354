"""Movements: money that came in or went out, each on its own day; and the totals of each day."""
