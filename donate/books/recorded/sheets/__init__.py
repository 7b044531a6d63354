"""Reads the daily sheet: sums by the database, and one by one only what is open."""
