"""A hash chain over facts and staff acts, which reveals changes that the service did not make."""
