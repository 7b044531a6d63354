"""The overview, the first page that staff see: what they have to decide, and how giving goes."""
