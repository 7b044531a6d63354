"""The staff pages for Stripe events that were set aside for a decision by staff."""
