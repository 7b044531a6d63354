"""Monthly gifts: subscriptions, and the invoices they make."""
