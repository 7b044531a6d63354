"""The account's own settings: webhook endpoints, the portal and payment methods."""
