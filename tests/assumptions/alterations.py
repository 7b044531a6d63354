"""Alterations of Stripe's behaviour, each with the assumptions that it makes false."""

from typing import Final

from tests.assumptions.altered_stripe import (
    ACCEPTED_SESSION,
    Alteration,
    Answer,
    Json,
    SentRequest,
    accepted,
    expires_again,
    objects_of,
    refused,
    shown,
    without_events,
    without_parent,
)
from tests.assumptions.list_alterations import (
    any_status,
    any_time,
    any_type,
    never_too_long,
    oldest_first,
    without_more,
)

_REFUND: Final[Json] = {"id": "re_3Accepted", "object": "refund", "status": "succeeded"}


def _ignores_expires_at(request: SentRequest) -> None:
    if request.method == "POST" and request.path == "/v1/checkout/sessions":
        request.parameters.pop("expires_at", None)


def _paid_outside(_: SentRequest, answer: Answer) -> None:
    for payment in objects_of(answer.body, "invoice_payment"):
        payment["payment"] = {"type": "payment_record", "payment_record": "pr_1"}


def _never_past_due(_: SentRequest, answer: Answer) -> None:
    for subscription in objects_of(answer.body, "subscription"):
        if subscription["status"] == "past_due":
            subscription["status"] = "active"


def _paused_is_draft(request: SentRequest) -> None:
    if request.parameters.get("pause_collection[behavior]") == "void":
        request.parameters["pause_collection[behavior]"] = "keep_as_draft"


def _never_fails(_: SentRequest, answer: Answer) -> None:
    for refund in objects_of(answer.body, "refund"):
        if refund["status"] == "failed":
            refund["status"] = "succeeded"


def _without_currency(_: SentRequest, answer: Answer) -> None:
    for session in objects_of(answer.body, "checkout.session"):
        session["payment_method_options"].get("acss_debit", {}).pop("currency", None)


def _accepts_any_price(request: SentRequest, answer: Answer) -> None:
    if request.method == "POST" and request.path.startswith("/v1/subscriptions/sub_"):
        amount = request.parameters.get("items[0][price_data][unit_amount]")
        if answer.status == 400 and amount:
            answer.status, answer.body = 200, {"id": "sub_1Accepted", "object": "subscription"}


def _no_inquiries(_: SentRequest, answer: Answer) -> None:
    for dispute in objects_of(answer.body, "dispute"):
        if dispute["status"] == "warning_needs_response":
            dispute["status"] = "needs_response"


_MIXED: Final = "payment_method_options[acss_debit][mandate_options][payment_schedule]"

ALTERATIONS: Final[dict[str, tuple[Alteration, set[str]]]] = {
    "expires_at is ignored": (
        Alteration(change_request=_ignores_expires_at),
        {"a-session-expires-when-requested", "a-session-of-two-days-is-refused"},
    ),
    "a customer's default card is not shown": (
        shown("customer", invoice_settings={"default_payment_method": None}),
        {"a-new-card-can-be-charged", "a-new-card-sends-an-event"},
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
    "pages are on another host": (
        shown("checkout.session", url="https://pay.example.net/1"),
        {
            "a-card-session-opens",
            "a-monthly-card-session-opens",
            "a-debit-session-opens",
            "a-monthly-debit-session-opens",
        },
    ),
    "acss_debit is refused in setup mode": (
        refused(
            "POST", "/v1/checkout/sessions", "Not for this mode.", parameter="mode", value="setup"
        ),
        {"a-monthly-debit-session-opens"},
    ),
    "the debits' currency is not shown": (
        Alteration(change_answer=_without_currency),
        {"a-setup-session-costs-nothing"},
    ),
    "an expiry has no event": (
        without_events("checkout.session.expired"),
        {"an-expired-session-sends-an-event"},
    ),
    "ended sessions can be expired again": (
        Alteration(change_answer=expires_again),
        {"an-ended-session-is-not-expired-again"},
    ),
    "lists of sessions ignore the status": (
        Alteration(change_request=any_status),
        {"sessions-are-listed-by-status"},
    ),
    "a session of two days is accepted": (
        accepted("POST", "/v1/checkout/sessions", "expires_at", ACCEPTED_SESSION),
        {"a-session-of-two-days-is-refused"},
    ),
    "idempotency keys are forgotten": (
        Alteration(dropped_request_headers=("idempotency-key",)),
        {
            "the-same-key-gives-the-same-session",
            "a-replayed-answer-has-a-header",
            "an-idempotency-key-is-for-one-request",
            "a-repeated-product-is-the-same",
            "a-repeated-refund-is-the-same",
        },
    ),
    "a replay has no header": (
        Alteration(dropped_answer_headers=("idempotent-replayed",)),
        {"a-replayed-answer-has-a-header"},
    ),
    "requests have no id": (
        Alteration(dropped_answer_headers=("request-id",)),
        {"a-refusal-names-request-and-parameter", "a-decline-is-an-error-with-a-code"},
    ),
    "declines have no code": (
        shown("payment_intent", last_payment_error=None),
        {"a-declined-card-fails-its-payment-intent"},
    ),
    "failed charges have no event": (
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
    "failed refunds look successful": (
        Alteration(change_answer=_never_fails),
        {"a-refund-can-fail-after-it-succeeded"},
    ),
    "a disputed payment can be refunded": (
        accepted("POST", "/v1/refunds", "charge_disputed", _REFUND),
        {"a-disputed-payment-is-not-refunded"},
    ),
    "disputes show no balance transactions": (
        shown("dispute", balance_transactions=[]),
        {"a-dispute-lists-its-balance-transactions"},
    ),
    "the end of a dispute has no event": (
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
        Alteration(change_request=_paused_is_draft),
        {"a-pledge-can-be-paused", "a-paused-month-is-void"},
    ),
    "a pause has no end": (
        shown("subscription", pause_collection={"behavior": "void", "resumes_at": None}),
        {"a-pause-can-have-an-end", "a-month-after-the-end-of-a-pause-is-collected"},
    ),
    "the amount cannot be changed": (
        refused("POST", "/v1/subscriptions/", "This product is marked as inactive."),
        {
            *("the-amount-changes", "a-new-card-can-be-charged", "a-new-card-sends-an-event"),
            *("a-pause-can-have-an-end", "a-pause-may-end-hours-before-a-month"),
            *("a-scheduled-end-shows-in-cancel-at", "an-end-with-the-month-is-shown"),
        },
    ),
    "a cancelled pledge stays active": (
        shown("subscription", status="active", ended_at=None),
        {"cancelling-ends-a-subscription-immediately"},
    ),
    "a failed month is not past due": (
        Alteration(change_answer=_never_past_due),
        {"a-failed-month-makes-the-pledge-past-due"},
    ),
    "invoices name no subscription": (
        Alteration(change_answer=without_parent),
        {
            "the-first-invoice-names-its-pledge",
            "a-later-month-sends-an-event",
            "an-invoice-shows-its-payments",
            "a-failed-month-sends-an-event",
            "a-declined-first-month-is-incomplete",
        },
    ),
    "invoices are paid by something else": (
        Alteration(change_answer=_paid_outside),
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
        Alteration(change_answer=_accepts_any_price),
        {"an-inactive-product-takes-no-new-price"},
    ),
    "an inquiry takes the money": (
        Alteration(change_answer=_no_inquiries),
        {"an-inquiry-takes-no-money"},
    ),
    "a first debit has no payment": (
        shown("invoice", status="open", payments={"object": "list", "data": []}),
        {"a-first-debit-is-processing"},
    ),
    "a mandate may be mixed": (
        accepted("POST", "/v1/checkout/sessions", _MIXED, ACCEPTED_SESSION),
        {"a-mandate-for-subscriptions-has-no-schedule"},
    ),
    "debits begin with every request": (
        Alteration(dropped_request_headers=("idempotency-key",)),
        {"a-repeated-debit-subscription-is-the-same"},
    ),
    "events are listed oldest first": (
        Alteration(change_answer=oldest_first),
        {"events-are-listed-newest-first", "pages-go-on-after-the-last-object"},
    ),
    "lists have no further page": (
        Alteration(change_answer=without_more),
        {"pages-go-on-after-the-last-object"},
    ),
    "pages may have any length": (
        Alteration(change_request=never_too_long),
        {"a-page-has-up-to-a-hundred"},
    ),
    "the types of events are ignored": (
        Alteration(change_request=any_type),
        {"the-event-list-takes-all-our-types"},
    ),
    "the time of events is ignored": (
        Alteration(change_request=any_time),
        {"events-are-listed-by-time"},
    ),
}
