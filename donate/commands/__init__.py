"""What the larger commands of `donate` do."""
