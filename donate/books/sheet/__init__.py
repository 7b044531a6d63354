"""The daily sheet: where the money of all gifts is, with an explanation for every difference."""
