"""The staff pages of Interac's e-mails about transfers."""
