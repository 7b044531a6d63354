"""Reads what was recorded: bookings for the journal, and what the daily sheet compares."""
