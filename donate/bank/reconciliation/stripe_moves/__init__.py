"""The bank's side of what Stripe moves: payouts, payouts that came back, and top-ups."""
