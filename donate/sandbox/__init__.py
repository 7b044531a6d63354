"""A pretend Stripe, in a program of its own, that the real SDK talks to over HTTP.

It shares no code with the rest of `donate` and never imports `stripe`: what it knows, it knows
from Stripe's API reference. It keeps everything in memory and listens on loopback only.
"""
