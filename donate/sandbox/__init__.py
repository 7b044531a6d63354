"""A pretend Stripe: a separate program that the real SDK calls over HTTP.

It shares no code with the rest of `donate` and never imports `stripe`; it follows Stripe's API
reference. It keeps everything in memory and listens on loopback only.
"""
