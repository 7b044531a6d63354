"""Imports bank statements: which lines are new, which known, and which a person must decide."""
