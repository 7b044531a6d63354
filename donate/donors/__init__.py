"""The donor's pages: the Give form, one page for each gift, and one for a monthly gift."""
