"""The pack of a month: files in one ZIP archive, the same bytes each time."""
