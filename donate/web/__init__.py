"""Plumbing between the network and the pages: limits, headers, templates, error responses."""
