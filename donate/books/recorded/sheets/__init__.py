"""Reads the daily sheet: the database adds up the sums, and only open items are read one by one."""
