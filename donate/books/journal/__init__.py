"""Double entry: every recorded amount becomes lines of balanced journal entries."""
