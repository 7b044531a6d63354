"""The evidence stored with facts: the keys it can have, and properties that read them."""

from datetime import UTC, date, datetime
from typing import TypedDict, Unpack, cast

from donate.errors import RefusalDetails


class DisputeFee(TypedDict):
    """A fee that Stripe charged our account for a dispute."""

    amount_minor: int
    currency: str


class Evidence(RefusalDetails, total=False):
    """The keys that a fact's evidence can have. Facts of earlier versions may lack some of them."""

    # `gift_opened` facts have these keys. Their `code` is the giving code. The `code` of other
    # facts is Stripe's error code.
    mode: str
    country: str
    pledge: str  # The reference of the pledge's first gift.
    invoice: str  # payment_named, paid_outside and payment_failed facts also have this key.
    # `checkout_requested`, `checkout_opened` and `checkout_refused` facts have these keys.
    attempt: int
    language: str
    # `payment_processing`, `payment_succeeded`, `payment_failed` and `payment_declined` facts have
    # these keys.
    session: str | None  # The checkout session, if the fact's source is a payment.
    agreement: str  # The checkout session in which the donor agreed to monthly debits, if any.
    payment_status: str
    billing_reason: str
    decline_code: str
    # `account_to_confirm` facts have these keys.
    url: str
    arrives_on: str  # The date when the deposits should arrive; empty if Stripe gave none.
    deposits: str  # What the donor has to enter: "amounts" or "descriptor_code".
    # `transfer_received` facts have these keys.
    date: str
    bank_reference: str
    # `transfer_received` facts about a cheque have these keys as well.
    cheque_number: str
    cheque_date: str
    bank: str
    # The reason that staff, Stripe or the bank gave. Staff can add a note.
    reason: str
    note: str
    # Facts about refunds and disputes have these keys. In a `refund_requested` fact, `payment` is
    # the payment to refund.
    payment: str
    payment_intent: str
    status: str  # Stripe's status of the refund or dispute; in pledge_changed, of the subscription.
    failure_reason: str
    request: str  # The source of the `refund_requested` fact to which a refund belongs.
    due_by: str  # The time by which the bank wants an answer.
    fees: list[DisputeFee]
    # Facts about pledges have these keys.
    act: str
    subscription: str
    paused: bool
    resumes_at: int  # In seconds since 1970, like `ends_at` and `month_ends_at`.
    ends_with_the_month: bool
    ends_at: int | None
    month_ends_at: int
    anchor: int  # The time from which Stripe counts the months.
    payment_method: str  # Stripe's id of the card or bank account; empty if there is none.
    brand: str  # The brand of the card. Only facts for which we asked Stripe have it.
    last4: str  # The last four digits of the card or account, in the same facts as `brand`.
    # If staff tied an event to a gift, every fact from that event has this key.
    tied_by: str


def refusal_evidence(details: RefusalDetails, **more: Unpack[Evidence]) -> Evidence:
    """Return the evidence of a refusal: Stripe's `details`, and the keys in `more`.

    If a key is in both, the value in `more` is used.
    """
    return cast(Evidence, {**more, **details, **more})


class HasEvidence:
    """Properties that read a fact's evidence. If a key is missing, they give None or empty text."""

    __slots__ = ()

    evidence: Evidence
    source_id: str

    @property
    def attempt(self) -> int | None:
        """The number of the attempt to open a checkout session."""
        return self.evidence.get("attempt")

    @property
    def language(self) -> str:
        """The language of the checkout session that was requested."""
        return self.evidence.get("language", "")

    @property
    def session_id(self) -> str:
        """The payment's checkout session: the one in the evidence, or else the fact's source."""
        return self.evidence.get("session") or self.source_id

    @property
    def agreement(self) -> str | None:
        """The checkout session in which the donor agreed to monthly debits."""
        return self.evidence.get("agreement")

    @property
    def invoice(self) -> str | None:
        """The invoice that was paid."""
        return self.evidence.get("invoice")

    @property
    def confirmation_url(self) -> str:
        """Stripe's page on which the donor confirms their bank account."""
        return self.evidence.get("url", "")

    @property
    def deposits_arrive_on(self) -> date | None:
        """The day on which the deposits that confirm an account should arrive."""
        day = self.evidence.get("arrives_on")
        return date.fromisoformat(day) if day else None

    @property
    def has_deposit_code(self) -> bool:
        """Whether the donor enters the code of one deposit, and not the amounts of two deposits."""
        return self.evidence.get("deposits") == "descriptor_code"

    @property
    def payment(self) -> str | None:
        """The payment that a refund or dispute is about."""
        payment = self.evidence.get("payment_intent") or self.evidence.get("payment")
        return payment if isinstance(payment, str) else None

    @property
    def request(self) -> str:
        """The refund request to which a refund belongs."""
        return self.evidence.get("request", "")

    @property
    def reason(self) -> str:
        """The reason that staff, Stripe or the bank gave."""
        return self.evidence.get("reason", "")

    @property
    def note(self) -> str:
        """The note that staff added."""
        return self.evidence.get("note", "")

    @property
    def refusal_code(self) -> str:
        """Stripe's code for a refusal."""
        return self.evidence.get("code", "")

    @property
    def refusal_message(self) -> str:
        """Stripe's message about a refusal."""
        return self.evidence.get("message", "")

    @property
    def due_by(self) -> datetime | None:
        """The time by which the bank wants our answer to a dispute."""
        due_by = self.evidence.get("due_by")
        return datetime.fromisoformat(due_by) if due_by else None

    @property
    def subscription(self) -> str:
        """The subscription that changed; empty if there is none, or if it is the fact's source."""
        return self.evidence.get("subscription", "")

    @property
    def subscription_status(self) -> str:
        """Stripe's status of the subscription."""
        return self.evidence.get("status", "")

    @property
    def is_paused(self) -> bool:
        """Whether the donor or staff paused the subscription."""
        return self.evidence.get("paused", False)

    @property
    def resumes_at(self) -> datetime | None:
        """When Stripe resumes collecting the paused subscription, if a date is set."""
        return _time(self.evidence.get("resumes_at"))

    @property
    def month_ends_at(self) -> datetime | None:
        """When the subscription's current month ends, and the next payment is due."""
        return _time(self.evidence.get("month_ends_at"))

    @property
    def anchor(self) -> datetime | None:
        """The time from which Stripe counts the subscription's months."""
        return _time(self.evidence.get("anchor"))

    @property
    def payment_method(self) -> str | None:
        """Stripe's id of the card or account that pays; "" if there is none, None if unknown."""
        return self.evidence.get("payment_method")

    @property
    def card_brand(self) -> str:
        """The brand of the card, in Stripe's word for it."""
        return self.evidence.get("brand", "")

    @property
    def last4(self) -> str:
        """The last four digits of the card or bank account."""
        return self.evidence.get("last4", "")

    @property
    def ends_with_the_month(self) -> bool:
        """Whether the subscription ends when the current, paid month is over."""
        return self.evidence.get("ends_with_the_month", False)

    @property
    def ends_at(self) -> datetime | None:
        """When the subscription ends, if Stripe says so."""
        return _time(self.evidence.get("ends_at"))

    @property
    def bank_reference(self) -> str:
        """The bank's reference of a transfer, as staff typed it."""
        return self.evidence.get("bank_reference", "")

    @property
    def request_id(self) -> str:
        """Stripe's id of the API request that it refused."""
        return self.evidence.get("request_id", "")

    @property
    def tied_by(self) -> str | None:
        """The member of staff who tied the event to the gift."""
        return self.evidence.get("tied_by")


def _time(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
