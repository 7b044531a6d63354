"""Account settings: webhook endpoints, the customer portal and payment methods."""
