"""Sends the e-mails that are due: by SMTP, or into a folder."""
