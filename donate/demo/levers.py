"""A client of the sandbox's control API, to trigger events at the pretend Stripe and bank."""

from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class SandboxLevers:
    """Calls the functions of the control API."""

    client: httpx.Client

    def pull(self, lever: str, **values: Any) -> dict[str, Any]:
        """Call one function, and return its response."""
        response = self.client.post(f"/_sandbox/{lever}", json=values)
        response.raise_for_status()
        body: dict[str, Any] = response.json()
        return body

    def read(self, path: str, **query: str) -> httpx.Response:
        """Return the response of the control API to a GET request for a path."""
        response = self.client.get(f"/_sandbox/{path}", params=query)
        return response.raise_for_status()
