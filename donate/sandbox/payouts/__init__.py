"""Payouts: Stripe's transfers of the balance to the charity's bank account, and their schedule."""
