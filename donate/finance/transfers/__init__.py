"""Marking a transfer as received, and undoing it."""
