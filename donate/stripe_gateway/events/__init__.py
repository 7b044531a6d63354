"""Reads Stripe's JSON into facts. Pure: it makes no requests and stores nothing."""
