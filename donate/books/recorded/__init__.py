"""Reads the recorded facts: as bookings for the journal, and for the daily sheet."""
