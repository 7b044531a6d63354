"""The commands of `donate` that need more than a few lines."""
