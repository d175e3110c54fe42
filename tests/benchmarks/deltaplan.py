"""The plan of a delta over a ledger that is full already: `python -m tests.benchmarks.deltaplan products 5000 50 URL`.

`fill` writes shops of any size that are in step on both sides, straight into the ledger; `plan` loads what a delta of
so many edits depends on and plans it, in a process of its own, and tells what that took.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import text

from retail_sync.ledger.ledger import Ledger
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.customers.loading import load_world
from retail_sync.sync.customers.planner import plan_customers
from retail_sync.sync.prices.feeds import ONLINE
from retail_sync.sync.prices.loading import load_given
from retail_sync.sync.prices.mirror import TURNS, VARIANT
from retail_sync.sync.prices.planner import plan_prices
from retail_sync.sync.products.plan import PlanInput
from retail_sync.sync.products.planner import plan_products
from retail_sync.sync.products.scope import load_all, load_scope
from tests.benchmarks.step import cpu_seconds, peak_bytes
from tests.sync.customers.paper import TERMS, settings
from tests.sync.prices.paper import LATER, Paper

_PREFIX = "CASE system WHEN 'commercetools' THEN 'c' ELSE 'l' END"
_SIDES = "unnest(ARRAY['commercetools', 'lightspeed']) AS system"
_MIRROR = """
    INSERT INTO mirror (entity, kind, system, id, parent_id, version, modified_at, seen_at, run_id, label, label_key,
                        keys, digest, fields, carry, identity)
"""
FILLED: dict[str, tuple[str, ...]] = {
    "products": (
        f"""
        {_MIRROR} SELECT 'products', 'product', system, {_PREFIX} || n, NULL, 1, now(), now(), 'fill', 'Thing ' || n,
            'thing ' || n, ARRAY['name:thing ' || n], n::text,
            jsonb_build_object('name.en-GB', 'Thing ' || n, 'brand', 'Acme', 'options', '["size"]'::jsonb,
                'description.en-GB', repeat('A thing of many words. ', 20)),
            NULL, jsonb_build_object('key', '', 'listed', true)
        FROM generate_series(0, :size - 1) AS n, {_SIDES}
        """,
        f"""
        {_MIRROR} SELECT 'products', 'variant', system, {_PREFIX} || n || ':' || v, {_PREFIX} || n, 1, now(), now(),
            'fill', 'S-' || n || '-' || v, 's-' || n || '-' || v,
            ARRAY['sku:s-' || n || '-' || v, 'code:s-' || n || '-' || v, 'code:b' || n || 'x' || v], n::text,
            jsonb_build_object('sku', 'S-' || n || '-' || v, 'price', CASE
                WHEN system = 'commercetools' AND v = 0 AND n < :edits THEN 1100 ELSE 1000 END, 'active', true,
                'barcodes', jsonb_build_array('b' || n || 'x' || v),
                'option_values', jsonb_build_array(jsonb_build_array('size', v::text))),
            NULL, jsonb_build_object('currency', 'EUR')
        FROM generate_series(0, :size - 1) AS n, generate_series(0, 2) AS v, {_SIDES}
        """,
        """
        INSERT INTO links (id, entity, kind, commercetools_id, lightspeed_id, base, matched_by, resent, run_id)
        SELECT gen_random_uuid(), 'products', 'product', 'c' || n, 'l' || n,
            jsonb_build_object('name.en-GB', 'Thing ' || n, 'brand', 'Acme'), 'sku', '{}', 'fill'
        FROM generate_series(0, :size - 1) AS n
        """,
        """
        INSERT INTO links (id, entity, kind, commercetools_id, lightspeed_id, parent_id, base, matched_by, resent,
                           run_id)
        SELECT gen_random_uuid(), 'products', 'variant', commercetools_id || ':' || v, lightspeed_id || ':' || v, id,
            '{"price": 1000}', 'sku', '{}', 'fill'
        FROM links, generate_series(0, 2) AS v WHERE entity = 'products' AND kind = 'product'
        """,
    ),
    "customers": (
        f"""
        {_MIRROR} SELECT 'customers', 'customer', system, {_PREFIX} || n, NULL, 1, now(), now(), 'fill', NULL, NULL,
            ARRAY['id:' || system || ':' || {_PREFIX} || n, 'email:~e' || n, 'phones:~p' || n / 2,
                'phone_names:~q' || n, 'full_name:~n' || n / 3], n::text,
            jsonb_build_object('email', '~e' || n, 'first_name', '~f' || n, 'last_name', '~l' || n, 'company',
                CASE WHEN system = 'commercetools' AND n < :edits THEN 'New' ELSE 'Old' END),
            NULL, jsonb_build_object('takes_part', true, 'tokens', jsonb_build_object('email',
                jsonb_build_array('~e' || n), 'phones', jsonb_build_array('~p' || n / 2), 'phone_names',
                jsonb_build_array('~q' || n), 'full_name', jsonb_build_array('~n' || n / 3)))
        FROM generate_series(0, :size - 1) AS n, {_SIDES}
        """,
        """
        INSERT INTO links (id, entity, kind, commercetools_id, lightspeed_id, base, matched_by, resent, run_id)
        SELECT gen_random_uuid(), 'customers', 'customer', 'c' || n, 'l' || n,
            '{"company": ["Old", "Old"]}', 'email', '{}', 'fill'
        FROM generate_series(0, :size - 1) AS n
        """,
    ),
    "prices": (
        f"""
        {_MIRROR} SELECT 'prices', 'variant', 'commercetools', 'c' || n, 'p' || n, 1, now(), now(), 'fill', 'S-' || n,
            's-' || n, NULL, n::text, jsonb_build_object('tax', 'tax', 'standalone', false, 'elsewhere', '[]'::jsonb,
                'offers', jsonb_build_object('L', jsonb_build_array(jsonb_build_object('id', 'o', 'amount',
                    CASE WHEN n < :edits THEN '11' ELSE '10' END, 'from', NULL, 'until', NULL, 'tiers', '[]'::jsonb,
                    'own', true, 'version', NULL)))),
            '{{"n": 1, "prices": {{}}}}', '{{}}'
        FROM generate_series(0, :size - 1) AS n
        """,
        f"""
        {_MIRROR} SELECT 'prices', 'article', 'lightspeed', 'l' || n, NULL, 1, now(), now(), 'fill', 'S-' || n,
            's-' || n, NULL, n::text, '{{"amount": "10", "supply_price": null, "taxes": {{}}}}', NULL, '{{}}'
        FROM generate_series(0, :size - 1) AS n
        """,
        """
        INSERT INTO links (id, entity, kind, commercetools_id, lightspeed_id, base, matched_by, resent, run_id,
                           created_at)
        SELECT gen_random_uuid(), entity, kind, 'c' || n, 'l' || n, base, 'sku', '{}', 'fill', now() - interval '1 day'
        FROM generate_series(0, :size - 1) AS n, (VALUES ('products', 'variant', '{}'::jsonb), ('prices', 'L',
            '{"commercetools": {"amount": "10"}, "lightspeed": {"amount": "10"}, "wanted": {"amount": "10"}}'::jsonb))
            AS of (entity, kind, base)
        """,
    ),
}


@dataclass(frozen=True)
class Planned:
    """`changes`: how many were planned. `cpu`: seconds of loading and planning. `peak`, `before`: bytes."""

    changes: int
    cpu: float
    seconds: float
    peak: int
    before: int


def fill(url: str, entity: str, size: int, edits: int) -> None:
    with Ledger.open(url) as ledger, ledger.engine.begin() as connection:
        for statement in FILLED[entity]:
            connection.execute(text(statement), {"size": size, "edits": edits})
    with Ledger.open(url) as ledger, ledger.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE mirror, links"))


def plan(url: str, entity: str, edits: int, *, whole: bool = False) -> Planned:
    """In a process of its own."""
    given = [
        sys.executable,
        "-m",
        "tests.benchmarks.deltaplan",
        entity,
        str(edits),
        url,
        *(["whole"] if whole else []),
    ]
    done = subprocess.run(given, capture_output=True, text=True, check=True)
    return Planned(**json.loads(done.stdout.splitlines()[-1]))


def _products(ledger: Ledger, edits: int, whole: bool) -> int:
    affected: dict[str, Any] = {
        "commercetools": {
            "product": {f"c{n}" for n in range(edits)},
            "variant": {f"c{n}:{v}" for n in range(edits) for v in range(3)},
        },
        "lightspeed": {"product": set(), "variant": set()},
    }
    scope = load_all(ledger) if whole else load_scope(ledger, affected)
    owners = {"fields": {"brand": {"owner": "newest"}}, "price": {"owner": "commercetools"}}
    configured = ProductSettings.model_validate({"product_type": "main", **owners})
    return len(plan_products(PlanInput(scope.sides, scope.links, affected, configured, "en-GB")).changes)


def _customers(ledger: Ledger, edits: int, whole: bool) -> int:
    configured = cast("SyncSettings", SimpleNamespace(customers=settings(mark=False)))
    affected: Any = {"commercetools": {f"c{n}" for n in range(edits)}, "lightspeed": set()}
    return len(plan_customers(load_world(ledger, configured, TERMS, affected, whole=whole)).changes)


def _prices(ledger: Ledger, edits: int, whole: bool) -> int:
    rate = Decimal("0.19")
    given = Paper(LIST, online_included=True, till_included=True, online_rate=rate, till_rate=rate).given()
    articles = None if whole else {f"l{n}" for n in range(edits)}
    if articles is not None:  # what a delta asks for besides
        articles |= ledger.links.changed("products", "variant", ledger.now() - timedelta(hours=1))
        since = ledger.now() - timedelta(hours=1)
        ledger.mirror.turned("prices", VARIANT, ONLINE, TURNS, since, ledger.now())
    return len(plan_prices(load_given(ledger, given.settings, given.terms, LATER, articles)).changes)


LIST: dict[str, Any] = {"name": "L", "owner": "commercetools", "lightspeed": {"base": True}}
_PLANS: dict[str, Callable[[Ledger, int, bool], int]] = {
    "products": _products,
    "customers": _customers,
    "prices": _prices,
}


def main() -> None:
    entity, edits, url, *whole = sys.argv[1:]
    with Ledger.open(url) as ledger:
        began, used, before = time.perf_counter(), cpu_seconds(), peak_bytes()
        changes = _PLANS[entity](ledger, int(edits), bool(whole))
        told = {"changes": changes, "cpu": cpu_seconds() - used, "seconds": time.perf_counter() - began}
        print(json.dumps({**told, "peak": peak_bytes(), "before": before}))


if __name__ == "__main__":
    main()
