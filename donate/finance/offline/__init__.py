"""The staff pages on which gifts by cheque and in cash are entered and corrected."""
