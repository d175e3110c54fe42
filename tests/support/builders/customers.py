"""A shop of people: both stand-ins over HTTP, whole runs of customers without Airflow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from retail_sync.ledger.rows import Link
from retail_sync.records.customers import ENTITY, KIND
from retail_sync.settings.models import SyncSettings
from sandbox.commercetools import CommercetoolsStore
from sandbox.lightspeed import LightspeedStore
from tests.commercetools.world import official_bodies
from tests.support.builders.base import Builder
from tests.support.worlds import open_world

OWNED = {
    "email": {"owner": "newest"},
    "first_name": {"owner": "newest"},
    "last_name": {"owner": "newest"},
    "company": {"owner": "commercetools"},
    "phone": {"owner": "newest"},
    "mobile": {"owner": "newest"},
    "date_of_birth": {"owner": "lightspeed"},
    "billing_address": {"owner": "newest"},
    "shipping_address": {"owner": "newest"},
    "group": {"owner": "commercetools"},
    "tax_id": {"owner": "commercetools", "lightspeed": "custom_field_3"},
    "loyalty_id": {
        "owner": "lightspeed",
        "commercetools": "custom:loyaltyId",
        "lightspeed": "custom_field_1",
    },
    "loyalty_balance": {"owner": "lightspeed", "commercetools": "custom:loyaltyBalance"},
    "custom.shoe_size": {"owner": "newest", "commercetools": "custom:shoeSize", "lightspeed": "fax"},
}
CUSTOMERS: dict[str, Any] = {
    "fields": OWNED,
    "create": ["lightspeed", "commercetools"],
    "groups": [{"commercetools": "vip", "lightspeed": "VIP"}],
    "consents": {"email": {"commercetools": "custom:newsletter"}},
    "external_id_field": "custom_field_2",
    "default_country": "DE",
}
TYPE = {
    "key": "customer",
    "name": {"en": "Customer"},
    "resourceTypeIds": ["customer"],
    "fieldDefinitions": [
        {
            "name": name,
            "label": {"en": name},
            "required": False,
            "type": {"name": kind},
            "inputHint": "SingleLine",
        }
        for name, kind in (
            ("newsletter", "Boolean"),
            ("loyaltyId", "String"),
            ("loyaltyBalance", "String"),
            ("shoeSize", "String"),
        )
    ],
}


class Peopled(Builder):
    """The shop."""

    entity = ENTITY

    # --- people at work ---

    def sign_up(self, email: str, **draft: Any) -> str:
        """Somebody makes an account online; the id."""
        given = {"authenticationMode": "ExternalAuth", "email": email, **draft}
        return str(self.online.create("customers", given)["id"])

    def enrol(self, **fields: Any) -> str:
        """An assistant enters somebody at the till; the id."""
        return str(self.till.add_customer(**fields))

    def edit_online(self, record: str, *actions: Mapping[str, Any]) -> None:
        self.online.update("customers", [dict(action) for action in actions], id=record)

    def edit_till(self, record: str, **fields: Any) -> None:
        self.till.edit_customer(record, **fields)

    # --- looking ---

    def at_till(self, record: str) -> dict[str, Any]:
        return dict(self.till.customer(record))

    def account(self, record: str) -> dict[str, Any]:
        found = self.online.get("customers", id=record)
        assert found is not None
        return found

    def accounts_online(self) -> list[dict[str, Any]]:
        return self.online.all("customers")

    def profiles(self) -> list[dict[str, Any]]:
        """Customers at the till who are not deleted."""
        return [dict(one) for one in self.till.all_customers()]

    def links(self) -> list[Link]:
        return self.ledger.links.read(ENTITY, KIND)

    def partner(self, record: str) -> str:
        """The other id of a linked customer."""
        (found,) = [one for one in self.links() if record in (one.commercetools_id, one.lightspeed_id)]
        return found.lightspeed_id if found.commercetools_id == record else found.commercetools_id

    def held(self) -> dict[str, str]:
        """Code of the hold of each subject."""
        return {hold.subject: hold.code for hold in self.holds()}

    def state(self) -> str:
        """Everybody in both systems, for 'nothing changed' assertions."""
        return json.dumps(
            [self.accounts_online(), [dict(one) for one in self.till.all_customers(deleted=True)]],
            default=str,
            sort_keys=True,
        )

    def customer_writes(self) -> list[str]:
        """Requests that wrote customers since `forget_requests`."""
        return self.written("/customers")


def postal(
    street: str = "Musterweg 1", city: str = "Berlin", postcode: str = "10115", country: str | None = "DE"
) -> dict[str, Any]:
    """A postal address as the till holds it."""
    return _till_address("postal", street, city, postcode, country)


def physical(
    street: str = "Musterweg 1", city: str = "Berlin", postcode: str = "10115", country: str | None = "DE"
) -> dict[str, Any]:
    return _till_address("physical", street, city, postcode, country)


def _till_address(kind: str, street: str, city: str, postcode: str, country: str | None) -> dict[str, Any]:
    return {
        f"{kind}_address_1": street,
        f"{kind}_city": city,
        f"{kind}_postcode": postcode,
        f"{kind}_country_id": country,
    }


def custom(**fields: Any) -> dict[str, Any]:
    """Custom fields of an account."""
    return {"custom": {"type": {"typeId": "type", "key": "customer"}, "fields": fields}}


@contextmanager
def peopled(ledger_url: str, staging: Path, *, seed: int = 0, **customers: Any) -> Iterator[Peopled]:
    """The shop, empty. `customers`: settings of that section, over those of this module."""
    online = CommercetoolsStore("peopled", seed=seed)
    till = LightspeedStore(seed=seed + 1_000_000)  # ids of its own
    online.validate_requests = official_bodies()
    for name in ("Nord", "Süd"):
        till.add_register(f"Kasse {name}", till.add_outlet(name))
    online.set_project(currencies=["EUR"], countries=["DE", "GB", "AT"], languages=["en", "de"])
    online.create("types", TYPE)
    online.create("customer-groups", {"key": "vip", "groupName": "VIP"})
    till.add_customer_group("VIP")
    settings = SyncSettings.model_validate(
        {
            "customers": {**CUSTOMERS, **customers},
            "limits": {"commercetools": {"trail_seconds": 0}},
        }
    )
    with open_world(settings, online, till, ledger_url, staging, seed=seed) as world:
        yield Peopled(world)
