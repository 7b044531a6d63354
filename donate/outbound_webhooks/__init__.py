"""Tells other programs of the charity what happens to gifts, by Standard Webhooks."""
