"""Donor profiles: each has the gifts of one e-mail address. Staff can edit and merge profiles."""
