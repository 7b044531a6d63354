"""The only package that talks to Stripe: it opens sessions, receives events, and records facts."""
