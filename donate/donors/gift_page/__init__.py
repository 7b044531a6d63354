"""The page of one gift: its status in words, and what the donor can do."""
