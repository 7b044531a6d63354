"""Closes months.

A month can be closed once its open items are resolved or have a reason. Its entries and its pack
are then stored and never change.
"""
