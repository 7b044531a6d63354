"""The larger commands of `donate`."""
