"""The database: connections, schema, migrations, bulk writes and constraint checks."""
