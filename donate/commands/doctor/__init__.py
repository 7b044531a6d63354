"""`donate doctor`: checks settings and machine, and whether Stripe and the mail server answer."""
