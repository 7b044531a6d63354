"""Verifies and stores Stripe's events, turns them into facts, and applies staff decisions."""
