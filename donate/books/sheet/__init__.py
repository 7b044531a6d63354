"""The daily sheet: where the money of all gifts is, with a name for every difference."""
