"""Events that need a decision by staff."""
