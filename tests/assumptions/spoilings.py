"""Stripes that behave otherwise than we believe, each with the assumptions that it makes false."""

from typing import Final

from tests.assumptions.lists_otherwise import (
    any_status,
    any_time,
    any_type,
    never_too_long,
    oldest_first,
    says_no_more,
)
from tests.assumptions.spoiling import (
    Answer,
    Asked,
    Json,
    Spoiling,
    accepted,
    every,
    refused,
    shown,
    without_events,
)

_SESSION: Final[Json] = {
    "id": "cs_test_Accepted1",
    "object": "checkout.session",
    "status": "open",
    "url": "http://127.0.0.1:9/pay",
}
_REFUND: Final[Json] = {"id": "re_3Accepted", "object": "refund", "status": "succeeded"}


def _expires_in_silence(asked: Asked) -> None:
    if asked.method == "POST" and asked.path == "/v1/checkout/sessions":
        asked.parameters.pop("expires_at", None)


def _old_place(_: Asked, answer: Answer) -> None:
    for invoice in every(answer.found, "invoice"):
        invoice["parent"] = None


def _paid_by_others(_: Asked, answer: Answer) -> None:
    for payment in every(answer.found, "invoice_payment"):
        payment["payment"] = {"type": "payment_record", "payment_record": "pr_1"}


def _never_past_due(_: Asked, answer: Answer) -> None:
    for subscription in every(answer.found, "subscription"):
        if subscription["status"] == "past_due":
            subscription["status"] = "active"


def _paused_is_collected(asked: Asked) -> None:
    if asked.parameters.get("pause_collection[behavior]") == "void":
        asked.parameters["pause_collection[behavior]"] = "keep_as_draft"


def _never_fails(_: Asked, answer: Answer) -> None:
    for refund in every(answer.found, "refund"):
        if refund["status"] == "failed":
            refund["status"] = "succeeded"


def _without_currency(_: Asked, answer: Answer) -> None:
    for session in every(answer.found, "checkout.session"):
        session["payment_method_options"].get("acss_debit", {}).pop("currency", None)


def _takes_any_price(asked: Asked, answer: Answer) -> None:
    if asked.method == "POST" and asked.path.startswith("/v1/subscriptions/sub_"):
        amount = asked.parameters.get("items[0][price_data][unit_amount]")
        if answer.status == 400 and amount:
            answer.status, answer.found = 200, {"id": "sub_1Accepted", "object": "subscription"}


def _no_inquiries(_: Asked, answer: Answer) -> None:
    for dispute in every(answer.found, "dispute"):
        if dispute["status"] == "warning_needs_response":
            dispute["status"] = "needs_response"


_MIXED: Final = "payment_method_options[acss_debit][mandate_options][payment_schedule]"

SPOILINGS: Final[dict[str, tuple[Spoiling, set[str]]]] = {
    "sessions live as long as they can": (
        Spoiling(asks=_expires_in_silence),
        {"a-session-expires-when-requested", "a-session-of-two-days-is-refused"},
    ),
    "a customer's default card stays": (
        shown("customer", invoice_settings={"default_payment_method": None}),
        {"a-new-card-can-be-charged"},
    ),
    "metadata gets lost on sessions": (
        shown("checkout.session", metadata={}),
        {
            "a-session-returns-its-metadata",
            "an-expired-session-sends-an-event",
            "an-expired-session-has-status-expired",
        },
    ),
    "the reference gets lost": (
        shown("checkout.session", client_reference_id=None),
        {
            "a-session-returns-its-metadata",
            "an-expired-session-sends-an-event",
            "an-expired-session-has-status-expired",
        },
    ),
    "amounts are whole dollars": (
        shown("checkout.session", amount_total=50),
        {"a-session-returns-its-amount"},
    ),
    "pages stand on another host": (
        shown("checkout.session", url="https://pay.example.net/1"),
        {
            "a-card-session-opens",
            "a-monthly-card-session-opens",
            "a-debit-session-opens",
            "a-monthly-debit-session-opens",
        },
    ),
    "acss_debit is refused in setup mode": (
        refused("POST", "/v1/checkout/sessions", "Not for this mode.", where="mode", is_="setup"),
        {"a-monthly-debit-session-opens"},
    ),
    "the debits' currency is not shown": (
        Spoiling(answers=_without_currency),
        {"a-setup-session-costs-nothing"},
    ),
    "an expiry is not told": (
        without_events("checkout.session.expired"),
        {"an-expired-session-sends-an-event"},
    ),
    "lists of sessions ignore the status": (
        Spoiling(asks=any_status),
        {"sessions-are-listed-by-status"},
    ),
    "two days are accepted": (
        accepted("POST", "/v1/checkout/sessions", "expires_at", _SESSION),
        {"a-session-of-two-days-is-refused"},
    ),
    "idempotency keys are forgotten": (
        Spoiling(forgets=("idempotency-key",)),
        {
            "the-same-key-gives-the-same-session",
            "a-replayed-answer-has-a-header",
            "an-idempotency-key-is-for-one-request",
            "a-repeated-product-is-the-same",
            "a-repeated-refund-is-the-same",
        },
    ),
    "a replay does not say so": (
        Spoiling(drops=("idempotent-replayed",)),
        {"a-replayed-answer-has-a-header"},
    ),
    "requests have no id": (
        Spoiling(drops=("request-id",)),
        {"a-refusal-names-request-and-parameter", "a-decline-is-an-error-with-a-code"},
    ),
    "declines have no code": (
        shown("payment_intent", last_payment_error=None),
        {"a-declined-card-fails-its-payment-intent"},
    ),
    "charges that failed are not told": (
        without_events("charge.failed"),
        {"a-declined-card-fails-its-charge"},
    ),
    "refunds take days": (
        shown("refund", status="pending"),
        {
            "a-part-is-refunded",
            "a-refund-names-its-payment-and-request",
            "refunds-of-a-payment-are-listed",
            "a-refund-may-be-pending-first",
            "a-refund-can-fail-after-it-succeeded",
        },
    ),
    "refunds do not name their payment": (
        shown("refund", payment_intent=None),
        {
            "a-refund-names-its-payment-and-request",
            "refunds-of-a-payment-are-listed",
            "a-refund-may-be-pending-first",
            "a-refund-can-fail-after-it-succeeded",
        },
    ),
    "failed refunds are not told": (
        Spoiling(answers=_never_fails),
        {"a-refund-can-fail-after-it-succeeded"},
    ),
    "charged back and refunded": (
        accepted("POST", "/v1/refunds", "charge_disputed", _REFUND),
        {"a-disputed-payment-is-not-refunded"},
    ),
    "disputes show no balance transactions": (
        shown("dispute", balance_transactions=[]),
        {"a-dispute-lists-its-balance-transactions"},
    ),
    "the end of a dispute is not told": (
        without_events("charge.dispute.closed"),
        {"a-dispute-can-be-won", "a-dispute-can-be-lost"},
    ),
    "billing is classic": (
        shown("subscription", billing_mode={"type": "classic"}),
        {"billing-is-flexible"},
    ),
    "a pause is not shown": (
        shown("subscription", pause_collection=None),
        {"a-pledge-can-be-paused"},
    ),
    "a paused month is kept as a draft": (
        Spoiling(asks=_paused_is_collected),
        {"a-pledge-can-be-paused", "a-paused-month-is-void"},
    ),
    "the amount stays": (
        refused("POST", "/v1/subscriptions/", "This product is marked as inactive."),
        {
            "the-amount-changes",
            "a-new-card-can-be-charged",
            "a-scheduled-end-shows-in-cancel-at",
        },
    ),
    "the end is at the end of the month": (
        shown("subscription", status="active", ended_at=None),
        {"cancelling-ends-a-subscription-immediately"},
    ),
    "a failed month leaves all as it is": (
        Spoiling(answers=_never_past_due),
        {"a-failed-month-makes-the-pledge-past-due"},
    ),
    "invoices name no subscription": (
        Spoiling(answers=_old_place),
        {
            "the-first-invoice-names-its-pledge",
            "a-later-month-sends-an-event",
            "an-invoice-shows-its-payments",
            "a-failed-month-sends-an-event",
            "a-declined-first-month-is-incomplete",
        },
    ),
    "invoices are paid by something else": (
        Spoiling(answers=_paid_by_others),
        {
            "an-invoice-payment-sends-an-event",
            "an-invoice-shows-its-payments",
            "an-invoice-is-found-by-its-payment",
        },
    ),
    "products of Checkout are active": (
        shown("product", active=True),
        {"an-inline-product-is-inactive"},
    ),
    "an inactive product takes new prices": (
        Spoiling(answers=_takes_any_price),
        {"an-inactive-product-takes-no-new-price"},
    ),
    "an inquiry takes the money at once": (
        Spoiling(answers=_no_inquiries),
        {"an-inquiry-takes-no-money"},
    ),
    "a debit is there at once": (
        shown("invoice", status="open", payments={"object": "list", "data": []}),
        {"a-first-debit-is-processing"},
    ),
    "a mandate may be mixed": (
        accepted("POST", "/v1/checkout/sessions", _MIXED, _SESSION),
        {"a-mandate-for-subscriptions-has-no-schedule"},
    ),
    "debits begin again and again": (
        Spoiling(forgets=("idempotency-key",)),
        {"a-repeated-debit-subscription-is-the-same"},
    ),
    "events come with the oldest first": (
        Spoiling(answers=oldest_first),
        {"events-are-listed-newest-first", "pages-go-on-after-the-last-object"},
    ),
    "lists say that there is no more": (
        Spoiling(answers=says_no_more),
        {"pages-go-on-after-the-last-object"},
    ),
    "pages of any length": (
        Spoiling(asks=never_too_long),
        {"a-page-has-up-to-a-hundred"},
    ),
    "events of any type": (
        Spoiling(asks=any_type),
        {"the-event-list-takes-all-our-types"},
    ),
    "events of any time": (Spoiling(asks=any_time), {"events-are-listed-by-time"}),
}
