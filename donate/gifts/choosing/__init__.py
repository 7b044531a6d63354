"""What a donor may choose: the amount, how to give, and what they add to it."""
