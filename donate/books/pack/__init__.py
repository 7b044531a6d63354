"""The pack of a month: its files in one ZIP archive. Making it again gives the same bytes."""
