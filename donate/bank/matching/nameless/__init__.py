"""Explains transfers of which the bank shows neither a name nor a reference."""
