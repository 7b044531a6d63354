"""The JSON API for other programs: open a gift, read a gift, and read what a region offers."""
