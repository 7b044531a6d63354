"""What the service assumes about Stripe's behaviour, each with its source and a check.

`donate stripe check` runs the checks against a test-mode account; the tests run them against the
sandbox.
"""
