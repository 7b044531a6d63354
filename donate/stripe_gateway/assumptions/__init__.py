"""What we believe of Stripe's behaviour, each with its source and a check.

`donate stripe check` runs the checks against a test-mode account, the tests against the sandbox.
"""
