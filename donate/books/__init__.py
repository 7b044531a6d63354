"""The books: journal entries made from recorded facts, the daily sheet, accountants' files."""
