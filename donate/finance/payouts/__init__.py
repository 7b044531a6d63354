"""The staff pages for Stripe's payouts: which gifts, refunds and fees each one is made of."""
