"""The staff pages for monthly gifts: the list, and the page of one with its actions."""
