"""Reading a request as strictly as Stripe does: its body, parameters and permissions."""
