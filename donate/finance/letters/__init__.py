"""Staff pages about the letters (e-mails) to donors."""
