"""Money that came in or went out, each amount on its own day, and totals for each day."""
