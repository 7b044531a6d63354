"""Staff accounts: sign-in, passwords, and tokens for programs."""
