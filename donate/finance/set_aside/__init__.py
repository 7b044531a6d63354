"""Events that need a person's decision."""
