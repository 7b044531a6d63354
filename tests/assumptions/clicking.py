"""Plays the person whom `donate stripe check` asks to open links and pay on Stripe's pages."""

import threading
from typing import Final

from donate.stripe_gateway.assumptions.world import Step
from tests.sandbox.running import CARD, RunningSandbox

ACCOUNT: Final = {
    "method": "acss_debit",
    "email": "donor@example.com",
    "name": "Ada Lovelace",
    "institution": "000",
    "transit": "11000",
    "account": "000123456789",
}


class Clicker:
    """Plays the operator at the browser: opens each requested page in a thread of its own."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self._sandbox = sandbox
        self._threads: list[threading.Thread] = []

    def __call__(self, step: Step) -> None:
        thread = threading.Thread(target=self.click, args=(step.url,))
        self._threads.append(thread)
        thread.start()

    def click(self, url: str) -> None:
        """Pay by card on this page; if it takes no card, agree to a bank debit, which succeeds."""
        page = self._sandbox.http.get(url).text
        typed = ACCOUNT if "institution" in page else CARD
        answer = self._sandbox.http.post(url, data=typed)
        assert answer.status_code == 303, answer.text
        session_id = url.rpartition("/")[2]
        if typed is ACCOUNT and 'name="amount"' not in page:
            self._settle(session_id)

    def _settle(self, session_id: str) -> None:
        lever = {"session": session_id, "succeed": True}
        # If the bank account is verified already, the sandbox refuses this request harmlessly.
        self._sandbox.http.post("/_sandbox/settle", json=lever)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()
