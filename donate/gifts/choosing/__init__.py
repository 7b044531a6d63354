"""The rules for what a donor may choose: amount, mode, frequency and options."""
