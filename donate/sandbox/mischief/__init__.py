"""Deliberate errors in events and answers, chosen by one seed."""
