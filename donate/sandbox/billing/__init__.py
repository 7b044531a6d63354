"""Monthly gifts: subscriptions and their invoices."""
