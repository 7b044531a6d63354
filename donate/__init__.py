"""A donation service. It records each donor's choice first, and confirms each gift exactly once."""
