"""Preflight names everything that is not ready, with the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from retail_sync.lightspeed.x_series.products.adapter import XSeriesProducts
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.settings.models import SyncSettings
from tests.lightspeed.till import Till, make_settings


def findings(till: Till, settings: SyncSettings) -> dict[str, CheckResult]:
    async def work(adapter: XSeriesProducts) -> Any:
        return {finding.subject: finding for finding in await adapter.check()}

    return till.run(settings, work)


def test_a_store_that_is_ready_has_no_complaint(till: Till) -> None:
    found = findings(till, make_settings(locations=[{"name": "Berlin", "outlet": "Berlin"}]))
    assert {finding.level for finding in found.values()} == {"ok"}
    assert "650" not in found["request budget"].finding and "350" in found["request budget"].finding
    assert found["tax class reduced"].finding == "Reduced, 7 %"


def test_names_that_do_not_exist_are_errors_with_what_exists(till: Till) -> None:
    settings = make_settings(
        locations=[{"name": "Paris", "outlet": "Paris"}],
        tax_classes=[{"name": "luxury", "commercetools": "l", "lightspeed": "Luxury"}],
        fields={"attr.x": {"lightspeed": "colour_of_box"}},
        price={"currency": "USD"},
    )
    found = findings(till, settings)
    errors = {subject for subject, finding in found.items() if finding.level == "error"}
    assert errors == {"location Paris", "tax class luxury", "field attr.x", "currency"}
    assert "Berlin, Hamburg" in found["location Paris"].finding
    assert found["default taxes"].level == "warning", "the default tax is not mapped"
    assert all(found[subject].remedy for subject in errors)


def test_converted_prices_are_a_warning(open_till: Callable[..., Till]) -> None:
    found = findings(open_till(tax_exclusive=True), make_settings())
    assert found["price"].level == "warning" and "excluded" in found["price"].remedy


def test_a_missing_scope_is_named_before_anything_else_is_tried(till: Till) -> None:
    settings = make_settings()

    async def work(adapter: XSeriesProducts) -> Any:
        till.faults.add(
            {"match": "/suppliers", "kind": "status", "status": 403, "body": {"error": "permission denied"}}
        )
        return await adapter.check()

    (finding,) = till.run(settings, work)
    assert (finding.level, finding.subject) == ("error", "scope suppliers:read")


def test_an_invalid_token_is_one_finding_and_one_request(till: Till) -> None:
    async def work(adapter: XSeriesProducts) -> Any:
        till.faults.add(
            {"kind": "status", "status": 401, "body": {"error": "Access token is not valid"}, "times": None}
        )
        return await adapter.check()

    (finding,) = till.run(make_settings(), work)
    assert (finding.level, finding.subject) == ("error", "connection")
    assert len(till.sent()) == 1


@pytest.mark.parametrize("outlets", [["Berlin"], ["Berlin", "Hamburg"]])
def test_outlets_with_different_default_taxes_are_a_warning_where_they_count(
    till: Till, outlets: list[str]
) -> None:
    store: Any = till.store
    store.outlets.rows[store.hamburg].fields["default_tax_id"] = store.reduced
    found = findings(till, make_settings(locations=[{"name": o, "outlet": o} for o in outlets]))
    assert ("default taxes" in found) == (len(outlets) == 2)


def test_a_store_that_takes_no_variants_for_a_product_is_told_before_one_is_sent(till: Till) -> None:
    settings = make_settings()

    async def work(adapter: XSeriesProducts) -> Any:
        till.faults.add({"match": "/2.1/products$", "method": "POST", **NOT_THERE})
        return {finding.subject: finding for finding in await adapter.check()}

    found = till.run(settings, work)["added variants"]
    assert found.level == "warning" and "POST /api/2.1/products" in found.finding
    assert till.store.products.rows == {}, "asking makes nothing"


NOT_THERE: dict[str, Any] = {"kind": "status", "status": 404, "body": {"detail": "Not Found"}, "times": None}
