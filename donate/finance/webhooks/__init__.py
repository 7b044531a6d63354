"""The pages on which admins manage the programs that get webhooks."""
