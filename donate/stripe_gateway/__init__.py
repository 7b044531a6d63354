"""The only room that says "stripe": checkout sessions out, signed events in, facts from both."""
