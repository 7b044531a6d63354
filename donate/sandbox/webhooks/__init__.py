"""Signed events out: delivered, delayed, and written for an endpoint's API version."""
