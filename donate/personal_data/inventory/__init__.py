"""The inventory: for each table, which columns are about a donor, where from, why and how long."""
