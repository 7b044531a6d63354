"""The e-mails about a gift, as staff see them."""
