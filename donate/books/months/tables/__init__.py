"""Reads the tables for a month's pack.

The order of the rows depends only on their contents.
"""
