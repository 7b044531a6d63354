"""The staff page of the books: where the money is at the end of a day, and why."""
