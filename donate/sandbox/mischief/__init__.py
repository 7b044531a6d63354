"""Mischief: errors that the sandbox makes on purpose in events and answers, chosen by a seed."""
