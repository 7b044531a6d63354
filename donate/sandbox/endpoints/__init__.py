"""The routes of the pretend Stripe's API, under /v1."""
