"""A project with customers, and the adapter of customers in front of it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from retail_sync.commercetools.customers.adapter import CommercetoolsCustomers
from retail_sync.records.ports.customers import CustomerWrite, CustomerWritten
from retail_sync.records.sealing import clear_rows
from retail_sync.settings.models import SyncSettings
from tests.commercetools.world import Json, World, rows_in

T = TypeVar("T")
OWNED = (
    *("email", "first_name", "last_name", "company", "tax_id", "phone", "mobile", "date_of_birth"),
    *("billing_address", "shipping_address", "number", "group", "store", "language"),
)
FIELDS: Json = {
    **{name: {"owner": "newest"} for name in OWNED},
    "loyalty_id": {"owner": "lightspeed", "commercetools": "custom:card"},
    "loyalty_member": {"owner": "lightspeed", "commercetools": "custom:member"},
    "loyalty_balance": {"owner": "lightspeed", "commercetools": "custom:balance"},
    "custom.size": {"owner": "newest", "commercetools": "custom:size"},
    "custom.visits": {"owner": "newest", "commercetools": "custom:visits"},
}
CONSENTS: Json = {"email": {"commercetools": "custom:newsletter"}}
CUSTOM_FIELDS = {
    "card": "String",
    "member": "Boolean",
    "balance": "Money",
    "size": "String",
    "visits": "Number",
    "newsletter": "Boolean",
}
HOME: Json = {
    "country": "DE",
    "key": "home",
    "firstName": "Ada",
    "streetName": "Am Ring",
    "streetNumber": "7a",
    "additionalStreetInfo": "Hinterhaus",
    "additionalAddressInfo": "Mitte",
    "city": "Berlin",
    "postalCode": "10115",
    "region": "BE",
    "phone": "030 1234567",
    "department": "Lab",
}
HOME_PARTS = {
    "street": "Am Ring 7a",
    "extra": "Hinterhaus",
    "suburb": "Mitte",
    "city": "Berlin",
    "postcode": "10115",
    "state": "BE",
    "country": "DE",
}
SHOP_PARTS = {**HOME_PARTS, "street": "Markt 1", "extra": "", "suburb": "", "state": ""}


def types(world: World, key: str = "people", fields: Mapping[str, str] = CUSTOM_FIELDS) -> Json:
    definitions = [
        {"name": name, "label": {"en-GB": name}, "required": False, "type": {"name": type_}}
        for name, type_ in fields.items()
    ]
    return world.store.create(
        "types",
        {
            "key": key,
            "name": {"en-GB": key},
            "resourceTypeIds": ["customer"],
            "fieldDefinitions": definitions,
        },
    )


def people() -> World:
    """Groups, stores and a type of custom fields; nobody yet."""
    world = World()
    for key in ("vip", "trade", "staff"):
        world.store.create("customer-groups", {"key": key, "groupName": key.upper()})
    world.store.create("customer-groups", {"groupName": "Without a key"})
    for key in ("berlin", "hamburg"):
        world.store.create("stores", {"key": key, "name": {"en-GB": key}})
    types(world)
    return world


def customer(world: World, email: str = "ada@shop.example", **more: Any) -> Json:
    created = world.store.create("customers", {"email": email, "authenticationMode": "ExternalAuth", **more})
    found = created.get("customer", created)
    return dict(found)


def at_home(*, shipping: bool = True, **more: Any) -> Json:
    """Draft fields of a customer with one address that is both defaults, or only that of billing."""
    defaults = {"defaultBillingAddress": 0, **({"defaultShippingAddress": 0} if shipping else {})}
    return {"addresses": [{**HOME, **more}], **defaults}


def custom(**fields: Any) -> Json:
    return {"custom": {"type": {"typeId": "type", "key": "people"}, "fields": fields}}


def settings(*, privacy: tuple[str, ...] = (), limits: Json | None = None, **customers: Any) -> SyncSettings:
    given: Json = {
        "fields": FIELDS,
        "consents": CONSENTS,
        "create": ["commercetools"],
        "default_country": "DE",
        **customers,
    }
    return SyncSettings.model_validate(
        {
            "limits": {"commercetools": {"retries": 2, **(limits or {})}},
            "privacy": {"exclude": {"commercetools": list(privacy)}},
            "customers": given,
        }
    )


def run(
    world: World,
    use: Callable[[CommercetoolsCustomers], Awaitable[T]],
    config: SyncSettings | None = None,
    *,
    writing: bool = False,
    prepared: bool = True,
    **connection: Any,
) -> T:
    chosen, make = config or settings(), CommercetoolsCustomers
    return world.using(make, use, chosen, writing=writing, prepared=prepared, connection=connection)


def read(world: World, config: SyncSettings | None = None) -> list[Json]:
    """Everybody, as clear plain rows by id."""

    async def use(adapter: CommercetoolsCustomers) -> list[Json]:
        window = await adapter.open_window(None, full=True)
        return clear_rows(adapter.to_customers(await rows_in(adapter.walk(window))))

    return run(world, use, config)


def one(world: World, config: SyncSettings | None = None) -> Json:
    (found,) = read(world, config)
    return found


def write(
    world: World,
    fields: Json,
    config: SyncSettings | None = None,
    *,
    action: Any = "update",
    of: str | None = None,
    **more: Any,
) -> CustomerWritten:
    """Writes to the one customer there is (or that of an id), as it is now; or creates one."""
    standing: Json = {}
    if action != "create":
        standing = next(row for row in read(world, config) if of in (None, row["id"]))
    wanted = CustomerWrite(
        change_id="c-1",
        action=action,
        key="ls-77",
        fields=fields,
        target_id=standing.get("id"),
        seen_version=standing.get("version"),
        **{"standing": standing, **more},
    )
    world.faults.clear_requests()
    return run(world, lambda adapter: adapter.write(wanted), config)


def sent(world: World) -> list[Json]:
    """Actions of the updates of customers since requests were last forgotten."""
    return [
        action
        for request in world.requests("POST", "/customers/")
        for action in json.loads(request.body)["actions"]
    ]


def stored(world: World) -> Json:
    found = world.store.all("customers")
    assert len(found) == 1
    return dict(found[0])
