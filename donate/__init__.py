"""A donation service: the donor's choice recorded first, every gift confirmed exactly once."""
