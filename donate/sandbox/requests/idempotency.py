"""Idempotency keys: the first answer is saved, and returned if the request is repeated.

https://docs.stripe.com/api/idempotent_requests
"""

from dataclasses import dataclass

from donate.sandbox.errors import Refusal

MAX_KEY_LENGTH = 255
# Stripe may delete a key after 24 hours. The sandbox always deletes it then, so that tests can rely
# on this.
KEY_LIFE_S = 24 * 60 * 60


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    request_id: str


@dataclass(frozen=True)
class _Use:
    path: str
    parameters: str
    began_at: int
    answer: Answer | None


class IdempotencyKeys:
    def __init__(self) -> None:
        self._uses: dict[str, _Use] = {}

    def begin(self, key: str, path: str, parameters: str, now: int) -> Answer | None:
        """Return the saved answer, or None for the first request with this key.

        Raises Refusal for a key that is in use or was used for another request.
        """
        if len(key) > MAX_KEY_LENGTH:
            raise Refusal(
                f"Idempotency keys can be up to {MAX_KEY_LENGTH} characters long.",
                kind="idempotency_error",
            )
        use = self._uses.get(key)
        if use is None or (use.answer is not None and now - use.began_at > KEY_LIFE_S):
            self._uses[key] = _Use(path, parameters, now, None)
            return None
        if use.path != path:
            raise Refusal(
                "Keys for idempotent requests can only be used for the same endpoint they were "
                f"first used for ('{path}' vs '{use.path}'). Try using a key other than '{key}' "
                "if you meant to execute a different request.",
                kind="idempotency_error",
            )
        if use.parameters != parameters:
            raise Refusal(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}' if you meant to execute a "
                "different request.",
                kind="idempotency_error",
            )
        if use.answer is None:
            raise Refusal(
                "There is currently another in-progress request using this idempotency key "
                f"({key}); it probably was submitted twice. Please try again later.",
                status=409,
                code="idempotency_key_in_use",
            )
        return use.answer

    def keep(self, key: str, answer: Answer) -> None:
        use = self._uses[key]
        self._uses[key] = _Use(use.path, use.parameters, use.began_at, answer)

    def forget(self, key: str) -> None:
        """Forget the key, because the request was not executed. The key can be used again."""
        del self._uses[key]
