"""Saved views of the gift list. A member of staff saves a view under a name."""
