"""Everything the stand-in holds: projects with their collections, API clients, and the switches tests turn."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal

import msgspec

from sandbox.clock import Clock, to_millis
from sandbox.commercetools.auth import ApiClient, Authority
from sandbox.commercetools.baskets import Basket
from sandbox.commercetools.cart_reservations import CartReservations
from sandbox.commercetools.catalogue import CATEGORIES, PRODUCT_TYPES, TAX_CATEGORIES
from sandbox.commercetools.check_out import cart_of, check_out
from sandbox.commercetools.collection import Collection, Context, Deed, Kind
from sandbox.commercetools.custom_fields import PLAIN_KINDS
from sandbox.commercetools.custom_objects import CUSTOM_OBJECTS, upsert
from sandbox.commercetools.customers import CUSTOMER_GROUPS, CUSTOMERS
from sandbox.commercetools.deliveries import Deliveries
from sandbox.commercetools.errors import ApiError, Json
from sandbox.commercetools.extensions import Extension
from sandbox.commercetools.inventory import INVENTORY
from sandbox.commercetools.order_drafts import Line, order_draft
from sandbox.commercetools.order_stock import OrderStock
from sandbox.commercetools.orders import ORDERS
from sandbox.commercetools.payments import PAYMENTS
from sandbox.commercetools.places import CHANNELS, PRODUCT_SELECTIONS, STORES
from sandbox.commercetools.product_actions import PRODUCTS
from sandbox.commercetools.shapes import copied
from sandbox.commercetools.shipping_methods import SHIPPING_METHODS
from sandbox.commercetools.standalone_prices import (
    STANDALONE_PRICES,
    LockCode,
    PriceLock,
    Writing,
)
from sandbox.commercetools.subscriptions import SUBSCRIPTIONS

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

TOKEN_LIFETIME = 172_800.0
"""Seconds. 48 hours is what is widely seen; no official page states it."""


class Project:
    """One project: its settings and its resources."""

    def __init__(self, store: CommercetoolsStore, key: str) -> None:
        self.store = store
        self.key = key
        self.extensions: list[Extension] = []
        self.settings: Json = {
            "version": 1,
            "key": key,
            "name": key,
            "countries": ["DE", "GB"],
            "currencies": ["EUR", "GBP"],
            "languages": ["en", "de"],
            "createdAt": to_millis(store.clock.now()),
            "messages": {"enabled": False, "deleteDaysAfterCreation": 15},
            "carts": {"deleteDaysAfterLastModification": 90, "countryTaxRateFallbackEnabled": False},
            "inventory": {"releaseExpiredReservations": True},
            "discounts": {"discountCombinationMode": "Stacking"},
            "productCatalogModel": "Classic",
        }
        self._by_sku: dict[str, dict[str, set[str]]] = {}
        self._collections = {kind.path: Collection(self, kind) for kind in KINDS}
        self.order_stock = OrderStock(self)
        self.carts = CartReservations(self)
        self._types = {kind.type_id: self._collections[kind.path] for kind in KINDS}
        self._subscriptions = self._collections[SUBSCRIPTIONS.path]

    def collection(self, path: str) -> Collection:
        """The collection served under this path. Raises `KeyError`."""
        return self._collections[path]

    def has(self, path: str) -> bool:
        return path in self._collections

    def by_type(self, type_id: str) -> Collection:
        """The collection of a reference's `typeId`."""
        found = self._types.get(type_id)
        if found is None:
            raise ApiError(
                400, "InvalidJsonInput", "Request body does not contain valid JSON.", typeId=type_id
            )
        return found

    def answer(self, type_id: str, id: str) -> Json | None:
        """The resource as the API answers it, for expanded references."""
        collection = self._types.get(type_id)
        found = collection.find(id=id) if collection is not None else None
        if collection is None or found is None:
            return None
        return collection.kind.render(self, found) if collection.kind.render is not None else found

    def resolved(self, context: Context, value: Any) -> Any:
        """A copy in which every resource identifier by key has become a reference by id."""
        if isinstance(value, list):
            return [self.resolved(context, item) for item in value]
        if isinstance(value, dict):
            if set(value) == {"typeId", "key"} and value["typeId"] != "store":
                return context.reference(value, value["typeId"])
            return {name: self.resolved(context, item) for name, item in value.items()}
        return value

    def ids_with_sku(self, path: str, sku: str | None) -> set[str]:
        """Ids of the resources of a collection that carry this SKU."""
        return self._by_sku.get(path, {}).get(sku or "", set())

    def note_sku(self, path: str, before: Json | None, after: Json | None) -> None:
        """Keeps the SKU index of a collection whose resources have one SKU."""
        old, new = ({each["sku"]} if each is not None else set() for each in (before, after))
        self.note_skus(path, (after or before or {})["id"], old, new)

    def note_skus(self, path: str, id: str, before: set[str], after: set[str]) -> None:
        """Keeps the SKU index of a collection: a resource went from these SKUs to those."""
        index = self._by_sku.setdefault(path, {})
        for sku in before - after:
            index[sku].discard(id)
        for sku in after - before:
            index.setdefault(sku, set()).add(id)

    def tell(self, kind: Kind, before: Json | None, after: Json | None, deed: Deed) -> None:
        """Tells the subscriptions of a change; before None: created, after None: deleted."""
        if self._subscriptions.rows:
            self.store.deliveries.note(self, kind, before, after, deed)

    def stock_moved(self, skus: Iterable[str]) -> None:
        """Availability is part of the product: what was computed is forgotten, and the product's version rises
        if the store is told so."""
        products = self.collection("products")
        for sku in skus:
            product = products.find_by("sku", sku)
            if product is None:
                continue
            products.rows[product["id"]].forget()
            if self.store.stock_bumps_products:
                context = Context(self, client_id="platform")
                products.replace(
                    context, product, copied(product), move_time=self.store.stock_moves_product_time
                )

    def refuse_if_referenced(self, resource: Json) -> None:
        """Raises `ReferenceExists` while another resource refers to this one."""
        quoted = f'"{resource["id"]}"'.encode()
        for collection in self._collections.values():
            for other in collection:
                if other is not resource and quoted in msgspec.json.encode(other):
                    by = collection.kind.type_id
                    message = f"Can not delete '{resource['id']}': it is referenced by a {by}."
                    raise ApiError(400, "ReferenceExists", message, referencedBy=by)


class CommercetoolsStore:
    """In-memory commercetools. Methods may be called from any thread; `lock` guards a series of them.

    Attributes are switches, to be turned at any time.
    """

    def __init__(
        self, project_key: str = DEFAULT_PROJECT, *, seed: int = 0, clock: Clock | None = None
    ) -> None:
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self._random = random.Random(seed)
        self.authority = Authority(self.clock, self.new_id)
        self.projects: dict[str, Project] = {}
        self.deliveries = Deliveries(self.clock, self.lock, self.projects, self.new_id)
        """Notifications on their way to subscriptions, and the switches of that; see `DeliveryOptions`."""
        self.project_key = project_key

        self.token_lifetime: float = TOKEN_LIFETIME
        """Seconds until a token expires."""
        self.latency: float = 0.0
        """Seconds that every API request takes longer."""
        self.rate: float | None = None
        """Requests a second from which on the answer is 503 `OverCapacity`; no limit is published."""
        self.capacity: int | None = None
        """Requests at the same time from which on the answer is 503 `OverCapacity`."""
        self.tell_current_version: bool = True
        """Whether a 409 says `currentVersion`, which is optional."""
        self.most_version_step: int = 5
        """Versions rise by one up to this number: only their order means something."""
        self.stock_bumps_products: bool = False
        """Whether writing inventory raises the version of the product with that SKU (inferred to happen)."""
        self.stock_moves_product_time: bool = True
        """Whether `lastModifiedAt` moves along then (unknown on the real API)."""
        self.reserved_orders: Literal["stand", "commit"] = "stand"
        """Whether what `ReserveOnOrder` reserves stands as a reservation (`quantityOnStock` stays) or is taken off
        both figures at once (left open by the documentation)."""
        self.order_stock_late: bool = False
        """Whether the effects of orders on stock wait for `settle_order_stock`; the real API takes up to 10 s."""
        self.sets_below_zero: bool = True
        """Whether `changeQuantity` and drafts take a quantity below zero (no least one is documented for them);
        `removeQuantity` is documented to lead there."""
        self.cancel_gives_back: bool = True
        """Whether cancelling an order gives its stock back (unknown on the real API)."""
        self.refuse_deleting_published: bool = True
        self.sync_info_appends: bool = True
        """Whether `updateSyncInfo` keeps earlier entries of the same channel (unknown on the real API)."""
        self.imports_taxed_prices: bool = True
        """Whether order import keeps `taxedPrice` of lines (since 3 September 2026), or ignores it as a member it does
        not know."""
        self.price_locks: list[PriceLock] = []
        """Writes of standalone prices that will be refused; see `lock_standalone_prices`."""
        self.validate_requests: Callable[[str, str, Any], str | None] | None = None
        """(method, path below the project, body) -> what is wrong with it, or None; see `spec.RequestValidator`."""

        self.add_project(project_key)
        self.add_client(DEFAULT_CLIENT, DEFAULT_SECRET, [f"manage_project:{project_key}"])

    # --- set-up ---

    def add_project(self, key: str) -> Project:
        """A further, empty project."""
        with self.lock:
            return self.projects.setdefault(key, Project(self, key))

    def add_client(self, client_id: str, secret: str, scopes: Iterable[str]) -> ApiClient:
        """An API client; scopes carry the project key, `manage_project:<key>` includes all."""
        client = ApiClient(client_id, secret, frozenset(scopes))
        self.authority.clients[client_id] = client
        return client

    def set_project(self, project: str | None = None, **settings: Any) -> Json:
        """Changes project settings, such as `currencies=["EUR"]`, `languages`, `countries`, `productCatalogModel`."""
        with self.lock:
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

    def create(self, path: str, draft: Json, *, project: str | None = None, client_id: str = "seed") -> Json:
        """Creates a resource from a draft exactly as `POST /<path>` does; raises `ApiError`. Returns a copy."""
        with self.lock:
            found = self.project(project)
            context = Context(found, client_id)
            if path == CUSTOM_OBJECTS.path:
                return copied(upsert(context, found.collection(path), draft)[0])
            return copied(found.collection(path).create(context, draft))

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
        with self.lock:
            found = self.project(project)
            collection = found.collection(path)
            resource = collection.get(id=id, key=key)
            context = Context(found, client_id)
            return copied(collection.update(context, resource, resource["version"], actions))

    def get(
        self, path: str, *, id: str | None = None, key: str | None = None, project: str | None = None
    ) -> Json | None:
        """A copy of the stored resource, None where it is not there."""
        with self.lock:
            return copied(self.project(project).collection(path).find(id=id, key=key))

    def all(self, path: str, *, project: str | None = None) -> list[Json]:
        """Copies of all stored resources of a collection, in the order of creation."""
        with self.lock:
            return [copied(resource) for resource in self.project(project).collection(path)]

    def insert(self, path: str, resource: Json, *, project: str | None = None) -> Json:
        """Puts a whole resource there as it is, id, version and times included: for fixtures."""
        with self.lock:
            return copied(self.project(project).collection(path).insert(resource))

    def delete(
        self, path: str, *, id: str | None = None, key: str | None = None, project: str | None = None
    ) -> None:
        """Deletes a resource, as somebody else does; raises `ApiError`."""
        with self.lock:
            found = self.project(project)
            collection = found.collection(path)
            resource = collection.get(id=id, key=key)
            collection.delete(Context(found), resource, resource["version"])

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
        with self.lock:
            self.price_locks += [PriceLock(writing, code, status)] * times

    # --- what shoppers do ---

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
        with self.lock:
            draft = order_draft(self.project(project), lines, mode, number, fields)
            return self.create("orders", draft, project=project)

    def check_out(self, basket: Basket, *, project: str | None = None) -> Json:
        """Turns a basket into an order as the shop's check-out does, payments included. Raises `ApiError`."""
        with self.lock:
            return copied(check_out(Context(self.project(project), "shop"), basket))

    def cart(self, basket: Basket, *, project: str | None = None) -> Json:
        """What a basket would be as an order; nothing is stored. Raises `ApiError`."""
        with self.lock:
            return cart_of(Context(self.project(project), "shop"), basket)

    def settle_order_stock(self, project: str | None = None) -> None:
        """Lets the late effects of orders on stock happen; see `order_stock_late`."""
        with self.lock:
            self.project(project).order_stock.settle()

    def fill_cart(
        self, sku: str, channel_key: str | None, quantity: int, *, project: str | None = None
    ) -> str:
        """A cart with `ReserveOnCart` and one line item; its id. Fewer are available, as many are on stock. Raises
        `ApiError` where the project does not let carts reserve, or not so many are available."""
        with self.lock:
            return self.project(project).carts.fill(sku, channel_key, quantity)

    def drop_cart(self, cart: str, *, project: str | None = None) -> None:
        """The cart is deleted, or its line item removed."""
        with self.lock:
            self.project(project).carts.drop(cart)

    def expire_carts(self, at: datetime | None = None, *, project: str | None = None) -> list[str]:
        """What carts reserved until some minutes before `at` (None = now) is given back, where the project does that;
        these carts, which are still there."""
        with self.lock:
            return self.project(project).carts.expire(at or self.clock.now())

    def order_cart(self, cart: str, *, project: str | None = None, **fields: Any) -> Json:
        """The cart becomes an order, whether its reservation still stands or has expired."""
        with self.lock:
            found = self.project(project)
            reservation, reference = found.carts.ordered(cart)
            sku, channel_id = reservation.slot
            channel = None if channel_id is None else found.collection("channels").get(id=channel_id)["key"]
            draft = order_draft(found, [(sku, reservation.quantity, channel)], "None", None, fields)
            made = found.collection("orders").get(id=self.create("orders", draft, project=project)["id"])
            order = copied(made)
            order["inventoryMode"] = "ReserveOnCart"
            order["lineItems"][0] |= {"inventoryMode": "ReserveOnCart", "reservation": reference}
            found.collection("orders").replace(Context(found, "shop"), made, order)
            found.order_stock.commit(
                order, reservation.slot, reservation.quantity, reserved=reservation.active
            )
            return copied(found.collection("orders").get(id=order["id"]))

    # --- chance, repeatable ---

    def new_id(self) -> str:
        """A UUID from the seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def version_step(self) -> int:
        return self._random.randint(1, self.most_version_step)
