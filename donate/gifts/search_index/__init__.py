"""The search index of gifts: the words of their donors and notes, and the keys that name them."""
