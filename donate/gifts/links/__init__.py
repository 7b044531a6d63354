"""The secret links that open the pages of gifts."""
