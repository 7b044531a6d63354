"""Staff accounts: signing in, passwords, and tokens for programs."""
