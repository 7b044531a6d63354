"""The reasons for setting events aside.

The gateway stores a reason in English; these msgids translate it.
"""

from typing import Final

from donate.errors import N_

EVENT_REASONS: Final = (
    # Reasons from `webhooks/checks.py`.
    N_("a live event at a test service"),
    N_("a test event at a live service"),
    N_("an event of another account"),
    N_("an event of the platform, not of STRIPE_ACCOUNT"),
    N_("the gift is given by %(mode)s, not through Stripe"),
    N_("it is about a monthly gift"),
    N_("the gift is a monthly one"),
    N_("its reference is %(named)s, the gift's is %(own)s"),
    N_("currency is %(named)s, the gift's is %(own)s"),
    N_("amount is %(named)s, the gift's is %(own)s"),
    N_("no checkout session was requested with that attempt"),
    N_("the gift's checkout session is %(session)s"),
    # Reasons from `webhooks/recorder.py`.
    N_("its currency is not the gift's"),
    N_("the checkout session belongs to another gift"),
    N_("its invoice belongs to another pledge"),
    N_("the payment that it is about is not known yet"),
    N_("it contradicts a fact that is already recorded"),
    N_("no gift with this id is known"),
    N_("its gift was pruned, because it seemed never paid"),
    N_("it failed here: %(error)s"),
    # Reasons from the modules in `events/`.
    N_("payment_status is %(status)s where nothing was to be paid"),
    N_("payment_status is %(status)s: that is no gift"),
    N_("not readable as JSON (%(error)s)"),
    N_("not a JSON object"),
    N_("a thin (v2) event; this endpoint takes snapshot events"),
    N_("livemode is missing"),
    N_("data.object is missing"),
    N_("a checkout session of mode %(mode)s"),
    N_("a refund with the unknown status %(status)s"),
    N_("a dispute without a status"),
    N_("metadata.gift_id is not one of our ids"),
    N_("metadata.attempt is missing"),
    N_("%(field)s is missing or odd"),
    N_("%(field)s is not a usable amount"),
    N_("%(field)s is not a count"),
    N_("currency is not a known one"),
    N_("%(field)s is not a time"),
    N_("a checkout session that this service did not open"),
    N_("a dispute about a charge that this service did not make"),
    N_("a payment that this service did not begin"),
    N_("a refund of a charge that this service did not make"),
    N_("a subscription that this service did not begin"),
    N_("a subscription whose first month is not paid"),
    N_("an invoice over nothing"),
    N_("an invoice that no payment intent paid"),
    N_("an invoice that this service did not bring about"),
    N_("nothing to record for this type of event"),
)
