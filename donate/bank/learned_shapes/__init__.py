"""Shapes of CSV files that staff have mapped by hand once, remembered for the next file."""
