"""The payment methods that the account offers when a request names none.

https://docs.stripe.com/api/payment_method_configurations: a method is available if it is turned on
and the account's capability for it is active.
"""

from typing import Any

from donate.sandbox.account_settings import CAPABILITIES
from donate.sandbox.requests.parameters import boolean, choice, read, record, text
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_OTHERS = (
    "affirm alipay apple_pay bancontact blik cashapp customer_balance eps google_pay ideal klarna "
    "paypal sepa_debit us_bank_account wechat_pay"
).split()
_METHOD = record({"display_preference": record({"preference": choice("none", "off", "on")})})


def change_configuration(
    store: Store, parameters: dict[str, Any], configuration_id: str
) -> StripeObject:
    configuration = store.find(store.method_configurations, configuration_id, "configuration")
    checks = {
        "active": boolean,
        "name": text(max_length=100),
        **dict.fromkeys(CAPABILITIES, _METHOD),
    }
    request = read(parameters, checks, unsupported=_OTHERS)
    for name in CAPABILITIES:
        preference = request.get(name, {}).get("display_preference", {}).get("preference")
        if preference:
            configuration[name]["preference"] = preference
    for name in ("active", "name"):
        if name in request:
            configuration[name] = request[name]
    return configuration_answer(store, configuration)


def configuration_answer(store: Store, configuration: StripeObject) -> StripeObject:
    answer = {name: value for name, value in configuration.items() if name != "created"}
    for name, capability in CAPABILITIES.items():
        preference = configuration[name]["preference"]
        value = "on" if preference == "on" else "off"
        is_active = store.capabilities.get(capability) == "active"
        answer[name] = {
            "available": value == "on" and is_active,
            "display_preference": {"overridable": None, "preference": preference, "value": value},
        }
    return answer
