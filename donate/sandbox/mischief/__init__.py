"""What goes wrong on purpose, from one seed."""
