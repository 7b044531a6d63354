"""Adds up a month: its figures, and checks between sums that were read in different ways."""
