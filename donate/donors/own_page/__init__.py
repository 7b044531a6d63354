"""The page with all gifts of one e-mail address, which a one-time link opens."""
