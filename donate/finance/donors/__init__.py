"""The staff pages for donors: the list, the page of one donor, and merging two of them."""
