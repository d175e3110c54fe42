"""Two shops over HTTP, a ledger, and whole runs without Airflow: what scenario tests play in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from demo.sandbox import settings_of_shop
from retail_sync.commercetools.connector import CommercetoolsConnector
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Hold
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.faces import Budget, Exchange
from sandbox.commercetools import create_app as online_app
from sandbox.faults import Faults, LoggedRequest
from sandbox.lightspeed import LightspeedStore
from sandbox.lightspeed import create_app as till_app
from sandbox.server import SandboxServer
from sandbox.shop import Shop
from sandbox.shop.config import default_config
from sandbox.shop.seed_commercetools import new_commercetools_store
from sandbox.shop.seed_lightspeed import new_lightspeed_store
from tests.support.runs import UNDISTURBED, Meanwhile, Meanwhiles, Ran, play, request_of
from tests.support.sinks import MemorySink

READING = {"GET", "HEAD"}


class Online(Protocol):
    """A commercetools project as a test looks at it and edits it; the stand-in's store is one."""

    def credentials(self) -> dict[str, str]: ...

    def all(self, path: str) -> list[dict[str, Any]]: ...

    def get(self, path: str, *, id: str | None = None, key: str | None = None) -> dict[str, Any] | None: ...

    def create(self, path: str, draft: dict[str, Any]) -> dict[str, Any]: ...

    def update(
        self, path: str, actions: list[dict[str, Any]], *, id: str | None = None, key: str | None = None
    ) -> dict[str, Any]: ...

    def delete(self, path: str, *, id: str | None = None, key: str | None = None) -> None: ...


@dataclass
class World:
    """`online` and `till` are the stand-ins' stores: look at them, and edit them as people would. `faults` are those
    of the stand-ins; a system without them (software no one here wrote) is watched from our side of the wire."""

    shop: Shop
    settings: SyncSettings
    online: Online
    till: LightspeedStore
    online_url: str
    till_url: str
    faults: dict[str, Faults]
    ledger: Ledger
    staging: Path
    till_token: str
    sink: MemorySink = field(default_factory=MemorySink)
    clock_ahead: timedelta = timedelta(0)
    network: httpx.AsyncBaseTransport | None = None
    """What requests go through; None = the real network."""
    budget: Budget | None = None
    watch: Callable[[CommercetoolsConnector], None] | None = None
    """What is done to every connector of commercetools before it is used."""

    def run(
        self,
        entity: str,
        mode: str = "delta",
        *,
        before_load: Meanwhile | None = None,
        meanwhile: Meanwhiles = UNDISTURBED,
        run_id: str | None = None,
        loads: bool = True,
        **asked: Any,
    ) -> Ran:
        """One whole run of an entity. `before_load`: what people do once the plan is made. `asked`: see `request_of`;
        the rest: see `play`."""
        if before_load is not None:
            meanwhile = replace(meanwhile, after_plan=before_load)
        request = request_of(mode, **asked)
        return play(self, entity, request, run_id=run_id, meanwhile=meanwhile, loads=loads)

    # --- what people do ---

    def set(self, section: str, **changes: Any) -> None:
        """Somebody edits the file: these settings of a section, the others stay."""
        self.settings = with_section(self.settings, section, **changes)

    def rename_online(self, product: Mapping[str, Any], name: str) -> None:
        """The product has another name, in the language of the till, and is published so."""
        names = {**product["masterData"]["current"]["name"], self.settings.shop.till_locale: name}
        action = {"action": "changeName", "name": names, "staged": False}
        self.online.update("products", [action], id=product["id"])

    # --- looking ---

    def writes(self, system: str | None = None) -> list[LoggedRequest]:
        """Requests that wrote a product or something a product needs, since `forget_requests`."""
        return [
            request
            for name in ([system] if system else SYSTEMS)
            for request in self.requests(name)
            if request.method not in READING and not _housekeeping(request.path)
        ]

    def requests(self, system: str) -> list[LoggedRequest]:
        """Requests a system got, since `forget_requests`."""
        if system in self.faults:
            return list(self.faults[system].requests)
        return [
            _as_logged(n, exchange)
            for n, exchange in enumerate(self.sink.exchanges)
            if exchange.system == system
        ]

    def forget_requests(self) -> None:
        self.sink.exchanges.clear()
        for faults in self.faults.values():
            faults.clear_requests()

    def holds(self) -> list[Hold]:
        return self.ledger.holds.open_holds("products")

    def online_products(self) -> list[dict[str, Any]]:
        return self.online.all("products")

    def online_variant(self, sku: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """(product, current variant) that bears the SKU. Raises LookupError."""
        for product in self.online_products():
            data = product["masterData"]["current"]
            for variant in [data["masterVariant"], *data["variants"]]:
                if variant.get("sku") == sku:
                    return product, variant
        raise LookupError(f"no variant {sku} online")

    def till_product(self, sku: str) -> dict[str, Any]:
        found = [row for row in self.till.all_products() if row["sku"] == sku]
        if len(found) != 1:
            raise LookupError(f"{len(found)} products {sku} at the till")
        return found[0]

    def state(self) -> str:
        """Both systems' whole product state as one text, for 'nothing changed' assertions."""
        return json.dumps(
            [self.online_products(), self.till.all_products(deleted=True)], default=str, sort_keys=True
        )


def _housekeeping(path: str) -> bool:
    """Requests that write nothing anybody sells: tokens, the clock, and queries that are sent as POST."""
    return (
        path.endswith(("/oauth/token", "/token")) or "/custom-objects" in path or path.endswith("/inventory")
    )


def _as_logged(n: int, exchange: Exchange) -> LoggedRequest:
    """An exchange of ours as the other side would have logged it."""
    url = urlsplit(exchange.url)
    return LoggedRequest(
        n=n,
        method=exchange.method,
        path=url.path,
        query=url.query,
        status=exchange.status,
        fault=None,
        at=exchange.started_at.isoformat(),
        millis=exchange.elapsed * 1000,
        body=exchange.request_body or "",
        headers=exchange.request_headers,
    )


def with_section(settings: SyncSettings, section: str, **changes: Any) -> SyncSettings:
    """The settings with another section (merged at its first level)."""
    data = settings.model_dump(mode="json")
    data[section] = {**data[section], **changes}
    return SyncSettings.model_validate(data)


@contextmanager
def open_world(
    settings: SyncSettings,
    online: Online,
    till: LightspeedStore,
    ledger_url: str,
    staging: Path,
    *,
    seed: int = 0,
    online_url: str | None = None,
    shop: Shop | None = None,
) -> Iterator[World]:
    """These two systems over HTTP, with a ledger. `online_url`: where the one online is served already, and without
    faults of ours. `shop`: the shop that both were filled from."""
    till.options.rate_limit = False
    faults = {"lightspeed": Faults(seed)}
    with ExitStack() as stack:
        if online_url is None:
            faults["commercetools"] = Faults(seed)
            app = online_app(online, faults["commercetools"])  # type: ignore[arg-type]
            online_url = stack.enter_context(SandboxServer(app)).url
        till_server = stack.enter_context(SandboxServer(till_app(till, faults["lightspeed"])))
        yield World(
            shop=shop,  # type: ignore[arg-type]
            settings=settings,
            online=online,
            till=till,
            online_url=online_url,
            till_url=till_server.url,
            faults=faults,
            ledger=stack.enter_context(Ledger.open(ledger_url)),
            staging=staging,
            till_token=till.tokens.add_personal(),
        )


@contextmanager
def world_of(
    shop: Shop,
    ledger_url: str,
    staging: Path,
    settings: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    peer: tuple[Online, str] | None = None,
    online_shop: Shop | None = None,
    till: LightspeedStore | None = None,
) -> Iterator[World]:
    """A world with this shop in both stand-ins. `settings` overrides parts of the shop's configuration (deeply).

    `peer`: a commercetools project that holds the shop already, and its address; it plays instead of our stand-in.
    `online_shop`: what commercetools holds, where it is not the whole shop. `till`: a till that is filled already."""
    named = settings or {}
    found = settings_of_shop(
        default_config(shop), with_price_lists="prices" in named, with_customers="customers" in named
    )
    with open_world(
        SyncSettings.model_validate(_merged(found, named)),
        peer[0] if peer else new_commercetools_store(online_shop or shop, seed=seed),
        till or new_lightspeed_store(shop, seed=seed),
        ledger_url,
        staging,
        seed=seed,
        online_url=peer[1] if peer else None,
        shop=shop,
    ) as world:
        yield world


def _merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in over.items():
        out[key] = (
            _merged(out[key], value)
            if isinstance(value, Mapping) and isinstance(out.get(key), dict)
            else value
        )
    return out
