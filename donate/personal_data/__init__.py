"""What the service holds about a donor: an inventory of all columns, and exports made with it."""
