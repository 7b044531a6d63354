"""Lists of gifts: filters, orders, and pages whose cost does not grow with the number of gifts."""
