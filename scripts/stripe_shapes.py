"""Reduces Stripe's OpenAPI document to the names, types and limits that the tests check.

    python -m scripts.stripe_shapes spec3.json

The document is openapi/spec3.json (or spec3.json.gz) of https://github.com/stripe/openapi, under
the MIT licence. In the result, tests/sandbox/stripe_shapes.json, a type is one of these:

    "string", "integer", "boolean", "number", "object" or "any"
    "string:40": a text of up to 40 characters
    "@refund": the schema of this name
    ["a", "b"]: one of these texts
    {"list": ...}, {"fields": {...}, "others": ...}
    {"any": [...]}: one of these types; null is among them if the value may be null

The name of a required field ends in "!".
"""

import argparse
import gzip
import json
import re
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parents[1] / "tests" / "sandbox" / "stripe_shapes.json"
SOURCE = "https://github.com/stripe/openapi, openapi/spec3.json"
LICENCE = "MIT, Copyright (c) 2011- Stripe, Inc."

# Some fields contain either an id or the whole object. If the object is one of these kinds, the
# tests check its schema. They accept an object of any other kind unchecked.
KINDS = set(
    """
    account balance_transaction bank_account billing_portal.configuration billing_portal.session
    charge checkout.session customer dispute event invoice invoice_payment invoiceitem line_item
    mandate
    payment_intent payment_method payment_method_configuration payout plan price product refund
    setup_attempt setup_intent subscription subscription_item test_helpers.test_clock
    webhook_endpoint
    """.split()
)
# The tests check only these types of payment method.
METHODS = {"acss_debit", "card", "link"}
# These schemas are about accounts and about other payment methods, so they are left out.
UNUSED = set(
    """
    account_capabilities account_future_requirements account_requirements card
    gelato_provided_details legal_entity_company person source tax_id
    """.split()
)

ROUTES = """
    GET /v1/account
    GET /v1/accounts/*
    GET /v1/balance
    GET /v1/balance_transactions
    GET /v1/balance_transactions/*
    GET POST /v1/billing_portal/configurations
    GET POST /v1/billing_portal/configurations/*
    POST /v1/billing_portal/sessions
    GET /v1/charges
    GET POST /v1/charges/*
    GET POST /v1/checkout/sessions
    GET POST /v1/checkout/sessions/*
    POST /v1/checkout/sessions/*/expire
    GET /v1/checkout/sessions/*/line_items
    GET POST /v1/customers
    GET POST DELETE /v1/customers/*
    GET /v1/disputes
    GET POST /v1/disputes/*
    POST /v1/disputes/*/close
    GET /v1/events
    GET /v1/events/*
    GET /v1/invoice_payments
    GET /v1/invoice_payments/*
    GET /v1/invoices
    GET POST /v1/invoices/*
    GET /v1/invoices/*/lines
    POST /v1/invoices/*/finalize
    POST /v1/invoices/*/pay
    POST /v1/invoices/*/void
    GET /v1/mandates/*
    GET POST /v1/payment_intents
    GET POST /v1/payment_intents/*
    POST /v1/payment_intents/*/cancel
    POST /v1/payment_intents/*/confirm
    GET /v1/payment_method_configurations
    GET POST /v1/payment_method_configurations/*
    GET POST /v1/payment_methods
    GET /v1/payment_methods/*
    POST /v1/payment_methods/*/attach
    POST /v1/payment_methods/*/detach
    GET POST /v1/payouts
    GET POST /v1/payouts/*
    POST /v1/payouts/*/cancel
    GET POST /v1/prices
    GET POST /v1/prices/*
    GET POST /v1/products
    GET POST DELETE /v1/products/*
    GET POST /v1/refunds
    GET POST /v1/refunds/*
    POST /v1/refunds/*/cancel
    GET POST /v1/setup_intents
    GET POST /v1/setup_intents/*
    POST /v1/setup_intents/*/cancel
    POST /v1/setup_intents/*/confirm
    POST /v1/setup_intents/*/verify_microdeposits
    GET /v1/subscription_items
    GET POST /v1/subscription_items/*
    GET POST /v1/subscriptions
    GET POST DELETE /v1/subscriptions/*
    POST /v1/subscriptions/*/resume
    GET POST /v1/test_helpers/test_clocks
    GET DELETE /v1/test_helpers/test_clocks/*
    POST /v1/test_helpers/test_clocks/*/advance
    GET POST /v1/webhook_endpoints
    GET POST DELETE /v1/webhook_endpoints/*
"""


class Reduction:
    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas = document["components"]["schemas"]
        self._paths = {_starred(path): routes for path, routes in document["paths"].items()}
        all_methods = self._schemas["payment_method"]["properties"]["type"]["enum"]
        self._cut = set(all_methods) - METHODS
        self.schemas: dict[str, Any] = {}

    def routes(self) -> dict[str, Any]:
        reduced = {}
        for line in ROUTES.split("\n"):
            *methods, path = line.split() or [""]
            for method in methods:
                reduced[f"{method} {path}"] = self._route(self._paths[path][method.lower()])
        return reduced

    def add(self, name: str) -> None:
        """Reduce a schema, and the schemas to which it refers."""
        if name not in self.schemas:
            self.schemas[name] = None  # a schema may refer to itself
            self.schemas[name] = self._type({**self._schemas[name], "nullable": False})

    def _route(self, route: dict[str, Any]) -> dict[str, Any]:
        fields = {
            parameter["name"] + ("!" if parameter.get("required") else ""): self._type(
                parameter["schema"]
            )
            for parameter in route.get("parameters", [])
            if parameter["in"] == "query"
        }
        for content in route.get("requestBody", {}).get("content", {}).values():
            if content["schema"].get("properties"):
                fields |= self._type(content["schema"])["fields"]
        (answer,) = route["responses"]["200"]["content"].values()
        return {"asks": {"fields": fields}, "answers": self._type(answer["schema"])}

    def _type(self, schema: dict[str, Any]) -> Any:
        if schema.get("nullable"):
            inner = self._type({**schema, "nullable": False})
            options = inner["any"] if isinstance(inner, dict) and "any" in inner else [inner]
            return {"any": [*options, None]}
        if "x-expansionResources" in schema:
            return self._expandable(schema)
        if "$ref" in schema:
            return self._reference(schema["$ref"].rpartition("/")[2])
        if "anyOf" in schema:
            options = [self._type(option) for option in schema["anyOf"]]
            return options[0] if len(options) == 1 else {"any": options}
        match schema.get("type"):
            case "array":
                return {"list": self._type(schema["items"])}
            case "object":
                return self._object(schema)
            case "string" if "enum" in schema:
                return sorted(schema["enum"])
            case "string" if "maxLength" in schema:
                return f"string:{schema['maxLength']}"
            case str(simple):
                return simple
        return "any"

    def _expandable(self, schema: dict[str, Any]) -> Any:
        options: list[Any] = [
            self._type(option) for option in schema["anyOf"] if "$ref" not in option
        ]
        names = [_name_in(option) for option in schema["anyOf"] if "$ref" in option]
        options += [f"@{name}" for name in names if name in KINDS] or ["object"]
        return {"any": options}

    def _reference(self, name: str) -> str:
        if name in UNUSED:
            return "object"
        self.add(name)
        return f"@{name}"

    def _object(self, schema: dict[str, Any]) -> Any:
        required, others = schema.get("required", []), schema.get("additionalProperties")
        fields = {
            name + ("!" if name in required else ""): "object"
            if name in self._cut and _holds_fields(inner)
            else self._type(inner)
            for name, inner in schema.get("properties", {}).items()
        }
        reduced: dict[str, Any] = {"fields": fields} if fields else {}
        if isinstance(others, dict):
            reduced["others"] = self._type(others)
        return reduced or "object"


def _starred(path: str) -> str:
    return re.sub(r"{[^}]+}", "*", path)


def _name_in(reference: dict[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]


def _holds_fields(schema: dict[str, Any]) -> bool:
    return bool({"$ref", "anyOf", "properties"} & set(schema))


def reduce(document: dict[str, Any]) -> dict[str, Any]:
    reduction = Reduction(document)
    for kind in sorted(KINDS):
        reduction.add(kind)
    routes = reduction.routes()
    return {
        "source": {
            "document": SOURCE,
            "licence": LICENCE,
            "version": document["info"]["version"],
        },
        "routes": routes,
        "schemas": dict(sorted(reduction.schemas.items())),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Reduce Stripe's OpenAPI document.")
    parser.add_argument("document", type=Path, help="spec3.json, or spec3.json.gz")
    arguments = parser.parse_args()
    data = arguments.document.read_bytes()
    document = json.loads(gzip.decompress(data) if arguments.document.suffix == ".gz" else data)
    reduced = reduce(document)
    # Write each route and schema on its own line, so that a diff shows what changed.
    parts = [f'"source": {json.dumps(reduced["source"])}']
    for part in ("routes", "schemas"):
        lines = (
            f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}"
            for name, value in reduced[part].items()
        )
        parts.append(f'"{part}": {{\n' + ",\n".join(lines) + "\n}")
    RESULT.write_text("{\n" + ",\n".join(parts) + "\n}\n")
    print(f"{RESULT}: {RESULT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
