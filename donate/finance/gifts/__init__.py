"""The list of gifts, and everything known about one."""
