"""The texts about webhooks on staff pages."""

from collections.abc import Mapping
from typing import Final

from donate.errors import N_
from donate.outbound_webhooks.client import UNAVAILABLE_REASONS
from donate.outbound_webhooks.events import OutboundEvent
from donate.outbound_webhooks.models import DeliveryState, WebhookDelivery
from donate.outbound_webhooks.sender import NO_SECRET, NOT_WRITTEN
from donate.web.templating import Localizer, translate_stored

EVENT_NAMES: Final[Mapping[OutboundEvent, str]] = {
    OutboundEvent.GIFT_CONFIRMED: N_("Money arrived"),
    OutboundEvent.GIFT_UNCONFIRMED: N_("A transfer, a cheque or cash was undone"),
    OutboundEvent.GIFT_REFUNDED: N_("Money went back to the donor"),
    OutboundEvent.GIFT_REFUND_FAILED: N_("A refund failed"),
    OutboundEvent.GIFT_DISPUTED: N_("A bank disputed a payment"),
    OutboundEvent.GIFT_DISPUTE_CLOSED: N_("A dispute ended"),
    OutboundEvent.PLEDGE_CHANGED: N_("A monthly gift began, changed or ended"),
    OutboundEvent.TEST: N_("Test"),
}
STATE_NAMES: Final[Mapping[DeliveryState, str]] = {
    DeliveryState.WAITING: N_("Waiting"),
    DeliveryState.DELIVERED: N_("Accepted"),
    DeliveryState.FAILED: N_("Failed"),
    DeliveryState.DISMISSED: N_("Dismissed"),
}
STATE_TONES: Final[Mapping[DeliveryState, str]] = {
    DeliveryState.WAITING: "awaited",
    DeliveryState.DELIVERED: "confirmed",
    DeliveryState.FAILED: "failed",
    DeliveryState.DISMISSED: "lapsed",
}
RECEIVER_DONE: Final[Mapping[str, str]] = {
    "changed": N_("The changes are saved."),
    "known": N_("This program was added before. If you missed its secret, make a new one."),
    "disabled": N_("The program is switched off. It gets no more webhooks."),
    "enabled": N_("The program is switched on."),
    "tested": N_("A test is on its way. Reload this page to see the answer."),
    "replayed": N_("It’s sent again."),
    "replayed-all": N_("The webhooks that failed are sent again."),
    "dismissed": N_("The webhooks that failed are dismissed."),
}
WEBHOOK_ACTS: Final[Mapping[str, tuple[str, str]]] = {
    "webhook_added": (
        N_("Program for webhooks added"),
        N_("Added a program that gets webhooks: %(about)s"),
    ),
    "webhook_changed": (
        N_("Program for webhooks changed"),
        N_("Changed a program that gets webhooks: %(about)s"),
    ),
    "webhook_donors_named": (
        N_("Donors named in webhooks"),
        N_("Lets a program get donors’ names and e-mail addresses: %(about)s"),
    ),
    "webhook_donors_left_out": (
        N_("Donors left out of webhooks"),
        N_("Lets a program get no more names and e-mail addresses of donors: %(about)s"),
    ),
    "webhook_secret_replaced": (
        N_("Secret for webhooks replaced"),
        N_("Made a new secret for webhooks to %(about)s"),
    ),
    "webhook_disabled": (N_("Webhooks switched off"), N_("Switched off webhooks to %(about)s")),
    "webhook_enabled": (N_("Webhooks switched on"), N_("Switched on webhooks to %(about)s")),
    "webhook_tested": (N_("Webhook tested"), N_("Sent a test webhook to %(about)s")),
    "webhook_replayed": (N_("Webhook sent again"), N_("Sent a webhook to %(about)s again")),
    "webhooks_replayed": (
        N_("Failed webhooks sent again"),
        N_("Sent webhooks to %(about)s again: %(letters)s"),
    ),
    "webhooks_dismissed": (
        N_("Failed webhooks dismissed"),
        N_("Dismissed webhooks to %(about)s: %(letters)s"),
    ),
}
"""For each kind of trail entry: its name, and the sentence that describes one."""

_REASONS: Final = (*UNAVAILABLE_REASONS, NO_SECRET, NOT_WRITTEN)


def outcome_of(delivery: WebhookDelivery, language: str) -> str:
    """Return a sentence about the last attempt to deliver a webhook; "" before the first one."""
    if delivery.answer_code is not None:
        return Localizer(language)("It answered %(code)s.", code=str(delivery.answer_code))
    return translate_stored(language, delivery.reason, _REASONS)
