"""The reminder about a gift whose donor left the payment page, and how donors stop reminders."""
