"""Delivers signed events, some delayed, each written for an endpoint's API version."""
