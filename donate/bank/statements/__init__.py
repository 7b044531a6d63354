"""Imports bank statements: finds the new lines, the known ones, and those in doubt."""
