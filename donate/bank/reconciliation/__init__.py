"""Ties bank lines to gifts and payouts, by a person or because it is certain; all can be undone."""
