"""Signed events in: verified, stored, settled; what staff decide about the odd ones."""
