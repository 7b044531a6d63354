"""Suggests what each bank line is. Pure functions; nothing is recorded here."""
