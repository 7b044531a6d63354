"""The staff pages for bank statements: files, their lines, and what each line's money is for."""
