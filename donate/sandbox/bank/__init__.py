"""A pretend bank, which books payouts and e-Transfers, and writes statements and e-mails.

It shares no code with the service. So a test can compare what the service read with what the bank
wrote.
"""
