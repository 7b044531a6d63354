"""Limits on connections, requests and gifts, so that nobody can shut others out."""
