"""The forms with which staff mark a transfer as received, or undo the mark."""
