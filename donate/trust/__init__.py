"""What the service trusts: its keys, its proxies, and the hosts to which it sends donors."""
