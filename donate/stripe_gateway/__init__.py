"""The only package that calls Stripe: it opens checkout sessions, and turns events into facts."""
