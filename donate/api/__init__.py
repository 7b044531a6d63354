"""JSON for other programs: open a gift, ask about one, and what a region offers."""
