"""Products, which every price needs.

https://docs.stripe.com/api/products
"""

from typing import Any

from donate.sandbox.objects.parts import null_fields
from donate.sandbox.requests.parameters import boolean, metadata, read, text
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_NEW = {"description": text(max_length=40_000), "metadata": metadata, "name": text(max_length=250)}
_UNSUPPORTED = (
    "active default_price_data id images marketing_features package_dimensions shippable "
    "statement_descriptor tax_code unit_label url"
).split()


def create_product(store: Store, parameters: dict[str, Any]) -> StripeObject:
    request = read(parameters, _NEW, required=["name"], unsupported=_UNSUPPORTED)
    product = new_product(store, request)
    store.announce("product.created", product)
    return product


def change_product(store: Store, parameters: dict[str, Any], product_id: str) -> StripeObject:
    request = read(
        parameters, {"active": boolean, "metadata": metadata, "name": text(max_length=250)}
    )
    product = store.find(store.products, product_id, "id")
    product.update({name: value for name, value in request.items() if name != "expand"})
    store.announce("product.updated", product)
    return product


def new_product(store: Store, request: dict[str, Any], *, is_active: bool = True) -> StripeObject:
    """Create a product from a request, or from the `product_data` inside a price."""
    now = store.now()
    product = {
        "id": store.new_id("prod_", 14),
        "object": "product",
        **null_fields(
            "default_price package_dimensions shippable statement_descriptor tax_code unit_label "
            "url"
        ),
        "active": is_active,
        "created": now,
        "description": request.get("description"),
        "images": request.get("images", []),
        "livemode": False,
        "marketing_features": [],
        "metadata": request.get("metadata", {}),
        "name": request["name"],
        "type": "service",
        "updated": now,
    }
    store.products.put(product)
    return product
