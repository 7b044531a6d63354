"""Reads bank statements in every format that banks use. Pure functions: bytes in, lines out."""
