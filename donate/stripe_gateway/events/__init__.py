"""Reads Stripe's JSON into facts. Pure: nothing is asked and nothing is stored."""
