"""The staff pages of the end of a month: what is open, closing, and the pack."""
