"""The staff pages of bank statements: files, lines, and what each line is."""
