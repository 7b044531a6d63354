"""The page of the breaker: its level, the switch, and the log of attacks."""
