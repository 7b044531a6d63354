"""Monthly gifts (pledges): the state of each, computed from facts, and the table that caches it."""
