"""Ties Interac’s e-mails to bank lines. All functions are pure, and nothing is stored here."""
