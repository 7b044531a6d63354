"""Suggests what each bank line is. All functions are pure, and nothing is stored here."""
