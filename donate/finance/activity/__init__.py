"""The log of what staff did and of what was refused, and the staff page that shows it."""
