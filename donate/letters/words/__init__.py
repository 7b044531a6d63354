"""The texts of the e-mails to donors."""
