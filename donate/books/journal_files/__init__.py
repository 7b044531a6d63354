"""Journal entries as files that accounting programs import."""
