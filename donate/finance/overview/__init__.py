"""The overview, the first page that staff see: what to decide today, and how giving goes."""
