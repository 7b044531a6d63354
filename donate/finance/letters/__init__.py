"""The staff pages for e-mails to donors ("letters")."""
