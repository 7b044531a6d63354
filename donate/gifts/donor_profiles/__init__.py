"""Donor profiles: each joins the gifts of one e-mail address. Staff edit and merge them."""
