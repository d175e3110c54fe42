"""The online side of a shop into the commercetools stand-in, as ordinary creations in the order references allow."""

from __future__ import annotations

from sandbox.clock import Clock
from sandbox.commercetools import ApiError, CommercetoolsStore
from sandbox.shop.files import as_key
from sandbox.shop.made_orders import make_orders
from sandbox.shop.model import Draft, Shop, ShopError
from sandbox.shop.ordering import place_orders
from sandbox.shop.prices import EXTERNAL_DISCOUNT_ID
from sandbox.shop.shipping import shipping_drafts


def new_commercetools_store(
    shop: Shop,
    *,
    project_key: str | None = None,
    seed: int = 0,
    clock: Clock | None = None,
    with_orders: bool = False,
) -> CommercetoolsStore:
    """A store with one project that holds the shop; the project key is the shop folder's name by default."""
    key = project_key or as_key(f"{shop.path.resolve().name}-shop").lower()
    store = CommercetoolsStore(key, seed=seed, clock=clock)
    seed_commercetools(shop, store, with_orders=with_orders)
    return store


def seed_commercetools(
    shop: Shop, store: CommercetoolsStore, project: str | None = None, *, with_orders: bool = False
) -> None:
    """Put the whole shop into an empty project. Raises ShopError where the project refuses a draft.

    `with_orders`: orders are not taken in as drafts but checked out and paid as shoppers do, and a shop with a till of
    its own gets more of them, of every kind.

    A requirement of a product type holds from after its products were created, so that a shop may have products
    that do not meet it: that is how they come about when a requirement is added later.
    """
    store.set_project(
        project,
        currencies=shop.project["currencies"],
        countries=shop.project["countries"],
        languages=shop.locales,
    )
    with store.lock:
        _external_discount(store, project, shop.locales)
        for path, drafts in (
            ("types", shop.types),
            ("tax-categories", shop.tax_categories),
            ("channels", shop.channels),
            ("customer-groups", shop.customer_groups),
            ("zones", shop.zones),
            ("stores", shop.stores),
            ("product-types", [_lenient(draft) for draft in shop.product_types]),
            ("categories", shop.categories),
            ("products", shop.products),
            ("inventory", shop.inventory),
            ("customers", shop.customers),
            ("orders", [] if with_orders else shop.orders),
        ):
            if store.project(project).has(path):
                for draft in drafts:
                    _create(shop, store, project, path, draft)
        if with_orders:
            for draft in shipping_drafts(shop, store, project):
                _create(shop, store, project, "shipping-methods", draft)
            place_orders(shop, store, project)
            if not shop.lightspeed.derived:
                make_orders(shop, store, project)
        for product_type in shop.product_types:
            _require(store, project, product_type)


def _external_discount(store: CommercetoolsStore, project: str | None, languages: list[str]) -> None:
    """An export tells that a price was discounted, not by which rule: the rule of an external service stands for it."""
    store.insert(
        "product-discounts",
        {
            "id": EXTERNAL_DISCOUNT_ID,
            "version": 1,
            "name": dict.fromkeys(languages, "external"),
            "value": {"type": "external"},
            "predicate": "1=1",
            "sortOrder": "0.5",
            "isActive": True,
            "references": [],
        },
        project=project,
    )


def _create(shop: Shop, store: CommercetoolsStore, project: str | None, path: str, draft: Draft) -> None:
    try:
        store.create(path, draft, project=project)
    except ApiError as problem:
        name = draft.get("key") or draft.get("orderNumber") or draft.get("name")
        raise ShopError(
            f"commercetools refuses {path} {name}: {problem}.", file=shop.path, remedy="Correct that record."
        ) from problem


def _lenient(product_type: Draft) -> Draft:
    return {
        **product_type,
        "attributes": [{**each, "isRequired": False} for each in product_type["attributes"]],
    }


def _require(store: CommercetoolsStore, project: str | None, product_type: Draft) -> None:
    required = {each["name"] for each in product_type["attributes"] if each.get("isRequired")}
    stored = store.get("product-types", key=product_type["key"], project=project)
    if required and stored:
        for definition in stored["attributes"]:
            definition["isRequired"] = definition["name"] in required
        store.insert("product-types", stored, project=project)
