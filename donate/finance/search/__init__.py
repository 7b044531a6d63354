"""The search of the staff pages."""
