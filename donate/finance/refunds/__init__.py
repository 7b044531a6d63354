"""The forms on a gift's page with which staff request refunds."""
