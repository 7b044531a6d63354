"""Interac's e-mails about transfers: evidence that ties a bank line to a gift, never a proof."""
