"""The donor's pages: give, and see what became of it."""
