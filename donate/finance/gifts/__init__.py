"""The list of gifts, and the page of one gift."""
