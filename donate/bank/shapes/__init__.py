"""Reads bank statements in each shape that banks write. Pure functions: bytes in, lines out."""
