"""A donation service. It records a donor's choice first, and confirms every gift exactly once."""
