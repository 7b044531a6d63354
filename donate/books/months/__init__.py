"""Closes months: keeps their entries and their pack for good, once what is open is dealt with."""
