"""The staff pages for bank statements: files, lines, and the decision about each line."""
