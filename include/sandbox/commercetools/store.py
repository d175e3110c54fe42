"""Everything the stand-in holds: projects with their collections, API clients, and the switches tests turn."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sandbox.clock import Clock
from sandbox.commercetools import cart_reservations, order_stock, writing
from sandbox.commercetools.auth import ApiClient, Authority
from sandbox.commercetools.baskets import Basket
from sandbox.commercetools.catalogue import CATEGORIES, PRODUCT_TYPES, TAX_CATEGORIES
from sandbox.commercetools.check_out import cart_of, check_out
from sandbox.commercetools.custom_fields import PLAIN_KINDS
from sandbox.commercetools.custom_objects import CUSTOM_OBJECTS, upsert
from sandbox.commercetools.customers import CUSTOMER_GROUPS, CUSTOMERS
from sandbox.commercetools.deliveries import Deliveries
from sandbox.commercetools.errors import Json
from sandbox.commercetools.inventory import INVENTORY
from sandbox.commercetools.orders import ORDERS, Line, order_draft
from sandbox.commercetools.payments import PAYMENTS
from sandbox.commercetools.places import CHANNELS, PRODUCT_SELECTIONS, STORES
from sandbox.commercetools.product_actions import PRODUCTS
from sandbox.commercetools.shapes import copied
from sandbox.commercetools.shipping_methods import SHIPPING_METHODS
from sandbox.commercetools.standalone_prices import (
    STANDALONE_PRICES,
)
from sandbox.commercetools.state import Context, Kind, LockCode, Platform, PriceLock, Project, Writing
from sandbox.commercetools.subscriptions import SUBSCRIPTIONS
from sandbox.locks import locked

KINDS: tuple[Kind, ...] = (
    PRODUCT_TYPES,
    PRODUCTS,
    TAX_CATEGORIES,
    CATEGORIES,
    CHANNELS,
    STORES,
    PRODUCT_SELECTIONS,
    CUSTOM_OBJECTS,
    INVENTORY,
    STANDALONE_PRICES,
    CUSTOMER_GROUPS,
    CUSTOMERS,
    ORDERS,
    PAYMENTS,
    SHIPPING_METHODS,
    SUBSCRIPTIONS,
    *PLAIN_KINDS,
)

DEFAULT_PROJECT = "sandbox-shop"
DEFAULT_CLIENT = "sandbox-client"
DEFAULT_SECRET = "sandbox-secret"  # noqa: S105 - opens nothing but this stand-in


class CommercetoolsStore(Platform):
    """In-memory commercetools. Methods may be called from any thread; `lock` guards a series of them.

    Attributes are switches, to be turned at any time.
    """

    def __init__(
        self, project_key: str = DEFAULT_PROJECT, *, seed: int = 0, clock: Clock | None = None
    ) -> None:
        super().__init__(seed, clock or Clock())
        self.authority = Authority(self.clock, self.new_id)
        self.deliveries = Deliveries(self)
        """Notifications on their way to subscriptions, and the switches of that; see `DeliveryOptions`."""
        self.on_change = self.deliveries.note
        self.project_key = project_key
        self.add_project(project_key)
        self.add_client(DEFAULT_CLIENT, DEFAULT_SECRET, [f"manage_project:{project_key}"])

    # --- set-up ---

    @locked
    def add_project(self, key: str) -> Project:
        """A further, empty project."""
        return self.projects.setdefault(key, Project(self, key, KINDS))

    def add_client(self, client_id: str, secret: str, scopes: Iterable[str]) -> ApiClient:
        """An API client; scopes carry the project key, `manage_project:<key>` includes all."""
        client = ApiClient(client_id, secret, frozenset(scopes))
        self.authority.clients[client_id] = client
        return client

    @locked
    def set_project(self, project: str | None = None, **settings: Any) -> Json:
        """Changes project settings, such as `currencies=["EUR"]`, `languages`, `countries`, `productCatalogModel`."""
        found = self.project(project)
        found.settings = {
            **found.settings,
            **settings,
            "version": found.settings["version"] + self.version_step(),
        }
        return copied(found.settings)

    def credentials(self, project: str | None = None) -> dict[str, str]:
        """What a client needs besides the address."""
        client = self.authority.clients[DEFAULT_CLIENT]
        return {
            "project_key": project or self.project_key,
            "client_id": client.client_id,
            "client_secret": client.secret,
            "scopes": " ".join(sorted(client.scopes)),
        }

    # --- resources, as a test or a seed writes and reads them ---

    def project(self, key: str | None = None) -> Project:
        """The project, the first one by default."""
        return self.projects[key or self.project_key]

    @locked
    def create(self, path: str, draft: Json, *, project: str | None = None, client_id: str = "seed") -> Json:
        """Creates a resource from a draft exactly as `POST /<path>` does; raises `ApiError`. Returns a copy."""
        found = self.project(project)
        context = Context(found, client_id)
        if path == CUSTOM_OBJECTS.path:
            return copied(upsert(context, found.collection(path), draft)[0])
        return copied(writing.create(found.collection(path), context, draft))

    @locked
    def update(
        self,
        path: str,
        actions: list[Json],
        *,
        id: str | None = None,
        key: str | None = None,
        project: str | None = None,
        client_id: str = "merchant-center",
    ) -> Json:
        """Applies update actions to whatever version is there, as somebody else's edit; raises `ApiError`."""
        found = self.project(project)
        collection = found.collection(path)
        resource = collection.get(id=id, key=key)
        context = Context(found, client_id)
        return copied(writing.update(collection, context, resource, resource["version"], actions))

    @locked
    def get(
        self, path: str, *, id: str | None = None, key: str | None = None, project: str | None = None
    ) -> Json | None:
        """A copy of the stored resource, None where it is not there."""
        return copied(self.project(project).collection(path).find(id=id, key=key))

    @locked
    def all(self, path: str, *, project: str | None = None) -> list[Json]:
        """Copies of all stored resources of a collection, in the order of creation."""
        return [copied(resource) for resource in self.project(project).collection(path)]

    @locked
    def insert(self, path: str, resource: Json, *, project: str | None = None) -> Json:
        """Puts a whole resource there as it is, id, version and times included: for fixtures."""
        return copied(writing.insert(self.project(project).collection(path), resource))

    @locked
    def delete(
        self, path: str, *, id: str | None = None, key: str | None = None, project: str | None = None
    ) -> None:
        """Deletes a resource, as somebody else does; raises `ApiError`."""
        found = self.project(project)
        collection = found.collection(path)
        resource = collection.get(id=id, key=key)
        writing.delete(collection, Context(found), resource, resource["version"])

    @locked
    def lock_standalone_prices(
        self,
        times: int = 1,
        *,
        code: LockCode = "ExactLockConflict",
        status: int = 409,
        writing: Writing = "update",
    ) -> None:
        """The next `times` updates (or creations) of standalone prices over HTTP find the price being changed by
        another, of the same scope (`ExactLockConflict`) or of the same but for its validity (`ValidityLockConflict`),
        and change nothing. Whether the status is 400 or 409 is unknown on the real API."""
        self.price_locks += [PriceLock(writing, code, status)] * times

    # --- what shoppers do ---

    @locked
    def place_order(
        self,
        lines: Iterable[Line],
        *,
        mode: str = "ReserveOnOrder",
        number: str | None = None,
        project: str | None = None,
        **fields: Any,
    ) -> Json:
        """Imports an order of these lines, (SKU, quantity, supply channel key or None), exactly as
        `POST /orders/import` does; raises `ApiError`. Lines cost what the variant does, 1.00 EUR without a price."""
        draft = order_draft(self.project(project), lines, mode, number, fields)
        return self.create("orders", draft, project=project)

    @locked
    def check_out(self, basket: Basket, *, project: str | None = None) -> Json:
        """Turns a basket into an order as the shop's check-out does, payments included. Raises `ApiError`."""
        return copied(check_out(Context(self.project(project), "shop"), basket))

    @locked
    def cart(self, basket: Basket, *, project: str | None = None) -> Json:
        """What a basket would be as an order; nothing is stored. Raises `ApiError`."""
        return cart_of(Context(self.project(project), "shop"), basket)

    @locked
    def settle_order_stock(self, project: str | None = None) -> None:
        """Lets the late effects of orders on stock happen; see `order_stock_late`."""
        order_stock.settle(self.project(project))

    @locked
    def fill_cart(
        self, sku: str, channel_key: str | None, quantity: int, *, project: str | None = None
    ) -> str:
        """A cart with `ReserveOnCart` and one line item; its id. Fewer are available, as many are on stock. Raises
        `ApiError` where the project does not let carts reserve, or not so many are available."""
        return cart_reservations.fill(self.project(project), sku, channel_key, quantity)

    @locked
    def drop_cart(self, cart: str, *, project: str | None = None) -> None:
        """The cart is deleted, or its line item removed."""
        cart_reservations.drop(self.project(project), cart)

    @locked
    def expire_carts(self, at: datetime | None = None, *, project: str | None = None) -> list[str]:
        """What carts reserved until some minutes before `at` (None = now) is given back, where the project does that;
        these carts, which are still there."""
        return cart_reservations.expire(self.project(project), at or self.clock.now())

    @locked
    def order_cart(self, cart: str, *, project: str | None = None, **fields: Any) -> Json:
        """The cart becomes an order, whether its reservation still stands or has expired."""
        found = self.project(project)
        reservation, reference = cart_reservations.ordered(found, cart)
        sku, channel_id = reservation.slot
        channel = None if channel_id is None else found.collection("channels").get(id=channel_id)["key"]
        draft = order_draft(found, [(sku, reservation.quantity, channel)], "None", None, fields)
        made = found.collection("orders").get(id=self.create("orders", draft, project=project)["id"])
        order = copied(made)
        order["inventoryMode"] = "ReserveOnCart"
        order["lineItems"][0] |= {"inventoryMode": "ReserveOnCart", "reservation": reference}
        writing.replace(found.collection("orders"), Context(found, "shop"), made, order)
        order_stock.commit(found, order, reservation.slot, reservation.quantity, reserved=reservation.active)
        return copied(found.collection("orders").get(id=order["id"]))
