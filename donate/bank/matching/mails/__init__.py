"""Ties Interac’s e-mails to bank lines. Pure functions; nothing is recorded here."""
