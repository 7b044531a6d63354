"""The staff pages for monthly gifts: the list, and the page of one monthly gift with its forms."""
