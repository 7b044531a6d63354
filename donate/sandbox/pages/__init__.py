"""The pages that a donor sees at Stripe."""
