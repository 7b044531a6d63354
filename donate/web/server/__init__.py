"""The server: where it listens, and how it stops without losing a request."""
