"""The breaker: limits on gifts, against people who test stolen cards or flood the service."""
