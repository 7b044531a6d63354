"""The staff's pages: sign-in, the gifts, and what is known about each."""
