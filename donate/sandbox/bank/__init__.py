"""A pretend bank, which books payouts and e-Transfers, and writes statements and e-mails.

It shares no code with the service, so that tests compare what the service read with what it wrote.
"""
