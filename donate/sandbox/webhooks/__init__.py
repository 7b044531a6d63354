"""Outgoing signed events: delivered, delayed, and written for an endpoint's API version."""
