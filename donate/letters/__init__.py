"""E-mails to donors ("letters"). Facts cause them; each is stored once and sent at least once."""
