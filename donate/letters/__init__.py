"""E-mails to donors ("letters"): found from the facts, stored once, sent at least once."""
