"""Formats of CSV files whose columns staff have mapped, stored for the next file.

A format is called a shape.
"""
