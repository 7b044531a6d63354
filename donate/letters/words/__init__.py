"""What each e-mail says."""
