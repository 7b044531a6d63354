"""The texts of e-mails that staff write in place of the standard ones."""
