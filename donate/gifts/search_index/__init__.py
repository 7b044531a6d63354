"""The search index of gifts: words of donors and notes, and keys such as amounts and ids."""
