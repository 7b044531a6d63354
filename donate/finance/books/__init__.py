"""The staff page of the books, which shows where the money is at the end of a day, and why."""
