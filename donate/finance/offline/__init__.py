"""The staff pages for entering and correcting gifts by cheque and in cash."""
