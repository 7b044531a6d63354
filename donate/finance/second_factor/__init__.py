"""The second step of signing in: codes from an app, and recovery codes."""
