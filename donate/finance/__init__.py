"""Staff pages: sign-in, the list of gifts, and one page for each gift."""
