"""What all pages and the API need: limits, headers, templates and error responses."""
