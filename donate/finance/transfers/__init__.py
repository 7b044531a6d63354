"""The forms with which staff mark a transfer as received or undo a marked transfer."""
