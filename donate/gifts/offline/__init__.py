"""Gifts by cheque and in cash, which staff enter one at a time or as a batch."""
