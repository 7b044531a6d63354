"""The table of pledges, each row a cached copy of what the facts say about one monthly gift."""
