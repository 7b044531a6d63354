"""Reads the tables of a month's pack. Rows are sorted by what they say."""
