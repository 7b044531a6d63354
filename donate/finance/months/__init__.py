"""The staff pages for closing a month: its open items, the closing, and its pack."""
