"""The staff pages: sign-in, the list of gifts, one page per gift, refunds, events and e-mails."""
