"""Stripe's payouts and the balance transactions that they pay out, as Stripe states them."""
