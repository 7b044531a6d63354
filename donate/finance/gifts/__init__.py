"""The staff pages for gifts: the list, and the page of one gift."""
