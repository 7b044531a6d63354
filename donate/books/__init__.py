"""The books: double entry from what was recorded, the daily sheet, and files for accountants."""
