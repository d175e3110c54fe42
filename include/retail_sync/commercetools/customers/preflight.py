"""What can be known before customers are read or written: scopes, groups, stores, custom fields, languages."""

from __future__ import annotations

from collections.abc import Iterator

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.scopes import covers
from retail_sync.commercetools.customers.fields import USES, CustomerPlaces
from retail_sync.commercetools.customers.references import (
    CONFIG,
    CustomerReferences,
    read_customer_references,
)
from retail_sync.records.errors import SyncError
from retail_sync.records.ports.products import CheckResult
from retail_sync.settings.models import SyncSettings

Results = Iterator[CheckResult]
_NOBODY = "preflight@nobody.invalid"
_REMEDIES = {
    "customers.groups": "Create the group in commercetools, or correct `customers.groups`.",
    "customers.stores": "Create the store in commercetools, or correct `customers.stores`.",
    "customers.create_in_store": "Create the store in commercetools, or correct `customers.create_in_store`.",
    "customers.fields": "Add the custom fields to one type for customers (commercetools Types), or correct the places "
    "in `customers.fields` and `customers.consents`.",
}


async def check(client: CommercetoolsClient, settings: SyncSettings) -> list[CheckResult]:
    """All findings about customers; a scope that is missing or a project that can't be read ends the list."""
    if not settings.customers.synced:
        return [CheckResult("ok", "customers.fields", "no field has an owner, so no customers sync")]
    places = CustomerPlaces(settings)
    try:
        granted = await client.granted_scopes()
    except SyncError as fault:
        return [CheckResult("error", "credentials", fault.message, fault.remedy)]
    found = [*_scopes(granted, client.connection.project_key, places)]
    try:
        references = await read_customer_references(client, places)
    except SyncError as fault:
        return [*found, CheckResult("error", "customers", fault.message, fault.remedy)]
    found += _named(references)
    found += _custom(references)
    found += _languages(references)
    found += _places(places)
    return [*found, await _readable(client)]


def _scopes(granted: frozenset[str], project: str, places: CustomerPlaces) -> Results:
    settings = places.settings
    needed = ["manage_customers" if _writes(places) else "view_customers", "view_project_settings"]
    if places.needed:
        needed.append("view_types")
    if settings.stores or settings.create_in_store or settings.owner_of("store") != "none":
        needed.append("view_stores")
    missing = [scope for scope in needed if not covers(granted, scope, project)]
    if f"manage_project:{project}" in granted or not missing:
        told = "read and written" if _writes(places) else "read"
        yield CheckResult("ok", "scopes", f"customers can be {told}")
        return
    yield CheckResult(
        "error",
        "scopes",
        f"missing for customers: {', '.join(missing)}",
        f"Give the API client {', '.join(f'{scope}:{project}' for scope in missing)} and put its new credentials into "
        "the connection; also check `scopes` there.",
    )


def _writes(places: CustomerPlaces) -> bool:
    """Whether anything may ever be written online."""
    settings = places.settings
    return (
        settings.mark
        or bool(settings.consents)
        or "commercetools" in settings.create
        or settings.deletions.in_lightspeed != "report"
        or any(settings.owner_of(name) not in ("none", "commercetools") for name in settings.fields)
    )


def _named(references: CustomerReferences) -> Results:
    problems = references.problems()
    for setting, sentence in problems:
        yield CheckResult("error", setting, sentence, _REMEDIES.get(setting, CONFIG))
    if not problems:
        yield CheckResult("ok", "customers", "every group, store and custom field of the settings exists")


def _custom(references: CustomerReferences) -> Results:
    """A type that demands more than is written can't be given to a customer without one."""
    chosen = references.custom_type
    if chosen is None:
        return
    named = set(references.places.needed.values())
    demanded = sorted(
        one.name for one in chosen.definitions.values() if one.required and one.name not in named
    )
    if demanded:
        yield CheckResult(
            "warning",
            "customers.fields",
            f"type {chosen.key or chosen.id} demands {', '.join(demanded)}, which nothing here writes: customers "
            "without a type can't be given it",
            "Make these custom fields optional, or give them a place in `customers.fields`.",
        )
    else:
        yield CheckResult(
            "ok", "customers.fields", f"custom fields are those of type {chosen.key or chosen.id}"
        )


def _languages(references: CustomerReferences) -> Results:
    if references.places.settings.owner_of("language") == "none" or "language" in references.places.custom:
        return
    languages = ", ".join(references.project.languages)
    if languages:
        yield CheckResult("ok", "language", f"languages of the project: {languages}; others are left out")
    else:
        yield CheckResult(
            "error", "language", "the project has no languages", "Add the shop's languages to the project."
        )


def _places(places: CustomerPlaces) -> Results:
    settings = places.settings
    owned = [name for name in settings.fields if settings.owner_of(name) != "none"]
    for name in sorted(set(owned) - places.holds):
        private = name in places.custom or not name.startswith(("custom.", "loyalty_"))
        yield CheckResult(
            "warning",
            f"customers.fields.{name}",
            "is touched by `privacy.exclude`, so it does not sync"
            if private
            else "has no place in commercetools, so it does not sync",
            "Take it out of `customers.fields`, or out of `privacy.exclude`."
            if private
            else "Name a custom field: `commercetools: custom:<name>`.",
        )
    if settings.default_country is None and any(name in owned for name in USES):
        yield CheckResult(
            "warning",
            "customers.default_country",
            "is not set: an address of the till without a country can't be written online",
            "Set it to the country most customers live in, such as DE.",
        )


async def _readable(client: CommercetoolsClient) -> CheckResult:
    """A look-up as a run makes it: that `lowercaseEmail` can be asked for is not in the API reference."""
    try:
        await client.page("/customers", [("where", f'lowercaseEmail = "{_NOBODY}"')], 1, withhold="shape")
    except SyncError as fault:
        return CheckResult("error", "customers", fault.message, fault.remedy)
    return CheckResult("ok", "customers", "customers can be looked up by their e-mail address")
