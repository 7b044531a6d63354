"""The database: connections, the schema and its migrations, bulk writes, constraints."""
