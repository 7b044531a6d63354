"""Catch-up: fetches events and objects that webhooks missed."""
