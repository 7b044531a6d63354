"""The assumptions, one file for each part of Stripe."""
