"""The heart: what a gift is, what is known about it, and what that means together."""
