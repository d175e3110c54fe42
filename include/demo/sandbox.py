"""The sandbox as a child process: where it is, how to get in, and the connections and settings made from that."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from demo.processes import Child, Running, spawn

START_SECONDS = 120.0
ORDERS_SINCE = "2020-01-01"
"""Before any order of a sandbox shop."""


ENTITIES = ("products", "prices", "inventory", "customers", "orders", "sales")


class SandboxError(RuntimeError):
    """The sandbox did not start; the message carries what it said."""


@dataclass(frozen=True)
class Places:
    """What the sandbox says on its first line: addresses and credentials of both stand-ins."""

    shop: str
    commercetools: Mapping[str, str]
    lightspeed: Mapping[str, str]

    def connections(self, api_version: str = "2026-07", *, oauth: bool = False) -> dict[str, str]:
        """Both Airflow connections as environment variables. `oauth`: Lightspeed is spoken to as an application, whose
        webhooks are signed; else with a personal token."""
        online, till = self.commercetools, self.lightspeed
        entry: dict[str, Any] = {"password": till["token"]}
        if oauth:
            entry = {"login": till["client_id"], "password": till["client_secret"]}
        token = {"refresh_token": till["refresh_token"]} if oauth else {}
        return {
            "AIRFLOW_CONN_COMMERCETOOLS_DEFAULT": json.dumps(
                {
                    "conn_type": "commercetools",
                    "host": online["url"],
                    "login": online["client_id"],
                    "password": online["client_secret"],
                    "extra": {
                        "auth_url": online["auth_url"],
                        "project_key": online["project_key"],
                        "scopes": online.get("scopes", ""),
                    },
                }
            ),
            "AIRFLOW_CONN_LIGHTSPEED_DEFAULT": json.dumps(
                {
                    "conn_type": "lightspeed",
                    "host": till["url"],
                    **entry,
                    "extra": {"series": "x", "api_version": api_version, **token},
                }
            ),
        }


class Sandbox(Running):
    """Both stand-ins with one shop in a process of their own; a context manager, entered from the main thread."""

    def __init__(
        self, *, project: Path, log: Path, shop: Path | None = None, with_orders: bool = False
    ) -> None:
        self._project = project
        self._log = log
        self._shop = shop
        self._with_orders = with_orders
        self._child: Child | None = None
        self._places: Places | None = None

    @property
    def places(self) -> Places:
        if self._places is None:
            raise SandboxError("the sandbox is not started: use it as a context manager")
        return self._places

    def start(self) -> Self:
        command = [sys.executable, "-m", "sandbox"]
        if self._shop is not None:
            command += ["--shop", str(self._shop.absolute())]
        if self._with_orders:
            command.append("--with-orders")
        self._log.unlink(missing_ok=True)
        self._child = spawn("sandbox", command, log=self._log, cwd=self._project, stdout=subprocess.PIPE)
        line = _first_line(self._child)
        try:
            self._places = Places(**json.loads(line))
        except (ValueError, TypeError):
            self.stop()
            raise SandboxError(f"the sandbox did not start; it said:\n{self._said()}") from None
        return self

    def widen_request_budget(self, requests: int) -> None:
        """Let Lightspeed's stand-in serve this many requests in five minutes.

        Its own budget follows the number of registers, as the real one does: with one register the first alignment
        of a hundred products waits for minutes.
        """
        answer = httpx.post(
            f"{self.places.lightspeed['url']}/_admin/options",
            json={"rate_limit_override": requests},
            headers={"Authorization": f"Bearer {self.places.lightspeed['token']}"},
            timeout=30,
            trust_env=False,
        )
        answer.raise_for_status()

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop(grace=10)
            if self._child.process.stdout is not None:
                self._child.process.stdout.close()
            self._child = None

    def _said(self) -> str:
        return self._log.read_text(errors="replace")[-2000:].strip() if self._log.exists() else "(nothing)"


def settings_of_shop(
    found: Mapping[str, Any],
    *,
    with_price_lists: bool = True,
    with_customers: bool = True,
    with_orders: bool = False,
    receiver_url: str | None = None,
) -> dict[str, Any]:
    """A whole configuration file for a sandbox shop.

    `found` is what `sandbox.shop.config.default_config` found out about the shop: locales, taxes, outlets,
    which attributes hold what. `with_price_lists`: prices sync by lists; else the base price does, with its product.
    `with_customers`: customers sync, too. `with_orders`: web orders become sales, and sales orders of their customers;
    the shop must have been started with orders, too, so that the till has the articles for shipping and the like.
    `receiver_url`: where webhooks are received; else nothing is told of changes.
    """
    attributes: Mapping[str, str] = found["attributes"]
    fields = {
        _CANONICAL.get(role, role): _field(role, name, found["currency"]) for role, name in attributes.items()
    }
    return {
        "version": 1,
        "shop": {"locales": list(found["locales"]), "till_locale": found["locale"]},
        "locations": list(found["locations"]),
        "products": {
            "product_type": found["product_type"],
            "fields": fields,
            "options": list(found["options"]),
            "price": {
                "owner": "none" if with_price_lists else "commercetools",
                "currency": found["currency"],
                "country": found["country"],
                "tax": "included" if found["price_tax_included"] else "excluded",
            },
            "tax_classes": [
                {"name": key, "commercetools": key, "lightspeed": name}
                for key, name in found["tax_classes"].items()
            ],
            "required_attributes": [_CANONICAL.get(role, role) for role in found["required"]],
            **({"assortment": _without_services(found)} if with_orders else {}),
        },
        "prices": {"lists": [_list(one, found) for one in found["price_lists"]] if with_price_lists else []},
        "inventory": {"channels": list(found["channels"])},
        "customers": _customers(found) if with_customers else {},
        **({"orders": _orders(found), "sales": _sales(found)} if with_orders else {}),
        **({"realtime": {"receiver_url": receiver_url}} if receiver_url else {}),
        # A demo's runs are asked for. An hourly schedule would, once unpaused, make up for the slot before first.
        "schedules": dict.fromkeys((*ENTITIES, "reconcile", "housekeeping", "subscribe")),
        # The stand-in shows a change at once; the real service may show it late, so a real window trails its clock.
        "limits": {"commercetools": {"trail_seconds": 0}},
    }


_CANONICAL = {"barcode": "barcodes"}
"""Fields whose name is not that of their role."""
_OWNERS = {
    "barcode": "newest",
    **dict.fromkeys(("supplier", "supplier_code", "supply_price"), "lightspeed"),
}


def _list(one: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """A list of prices as the configuration has it."""
    scope = {name: one[name] for name in ("customer_group", "channel") if one.get(name)}
    till: dict[str, Any] = {"base": True}
    if one["book"]:
        names = {location["outlet"]: location["name"] for location in found["locations"]}
        till = {
            "price_book": one["book"],
            **({"customer_groups": list(one["groups"])} if one["groups"] else {}),
            **({"locations": [names[outlet] for outlet in one["outlets"]]} if one["outlets"] else {}),
        }
    return {
        "name": one["name"],
        "owner": one["owner"],
        "commercetools": {"currency": found["currency"], "country": found["country"], **scope},
        "lightspeed": till,
        "tax": "included" if found["price_tax_included"] else "excluded",
    }


def _customers(found: Mapping[str, Any]) -> dict[str, Any]:
    """Customers of both sides: what a person entered last counts, the loyalty number is the till's, groups are those of
    the website."""
    held: Mapping[str, str] = found["customers"]["fields"]
    newest = (
        *("email", "first_name", "last_name", "company", "phone", "mobile", "date_of_birth"),
        *("billing_address", "shipping_address"),
    )
    fields: dict[str, Any] = {name: {"owner": "newest"} for name in newest}
    if found["customers"]["groups"]:
        fields["group"] = {"owner": "commercetools"}
    if "loyalty_id" in held:
        fields["loyalty_id"] = {
            "owner": "lightspeed",
            "commercetools": f"custom:{held['loyalty_id']}",
            "lightspeed": "custom_field_1",
        }
    return {
        "fields": fields,
        "create": ["lightspeed", "commercetools"],
        "groups": list(found["customers"]["groups"]),
        "default_country": found["country"],
        "external_id_field": "custom_field_2",
        "consents": {"email": {"commercetools": f"custom:{held['consent']}"}} if "consent" in held else {},
    }


def _without_services(found: Mapping[str, Any]) -> dict[str, Any]:
    """Nobody orders shipping costs: articles of the till that stand for no article stay there."""
    services = found["orders"]["services"]
    skus = [value for value in services.values() if isinstance(value, str)]
    return {"lightspeed": {"exclude_skus": [*skus, *services["customs"].values()]}}


def _orders(found: Mapping[str, Any]) -> dict[str, Any]:
    """Every order there is; what is not paid waits. A rate is that of the tax class with the same one."""
    orders = found["orders"]
    return {
        "since": ORDERS_SINCE,
        "location": orders["location"],
        "registers": dict(orders["registers"]),
        "tenders": [dict(one) for one in orders["tenders"]],
        "products": dict(orders["services"]),
        "taxes": [],
        "customers": {"unlinked": "wait"},
    }


def _sales(found: Mapping[str, Any]) -> dict[str, Any]:
    """Sales of people both sides know become orders of theirs."""
    store = found["orders"]["store"]
    stores = {place["name"]: store for place in found["locations"]} if store else {}
    return {"target": "orders", "stores": stores}


def _field(role: str, attribute: str, currency: str) -> dict[str, Any]:
    setting: dict[str, Any] = {
        "owner": _OWNERS.get(role, "commercetools"),
        "commercetools": f"attribute:{attribute}",
    }
    if role == "supply_price":
        setting["transforms"] = [{"kind": "money_decimal", "currency": currency}]
    return setting


def _first_line(child: Child) -> bytes:
    """The child's first line on stdout; empty if it ends, or stays silent too long, before."""
    found: list[bytes] = []
    stdout = child.process.stdout
    reader = threading.Thread(target=lambda: found.append(stdout.readline() if stdout else b""), daemon=True)
    reader.start()
    reader.join(START_SECONDS)
    return found[0] if found else b""
