"""What can be known before customers are read or written: scopes, groups, stores, custom fields, languages."""

from __future__ import annotations

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.scopes import check_scopes, read_grant
from retail_sync.commercetools.customers.fields import USES, CustomerPlaces
from retail_sync.commercetools.customers.references import (
    CONFIG,
    CustomerReferences,
    read_customer_references,
)
from retail_sync.records.ports.preflight import PreflightReport, preflight
from retail_sync.settings.models import SyncSettings

_NOBODY = "preflight@nobody.invalid"
_REMEDIES = {
    "customers.groups": "Create the group in commercetools, or correct `customers.groups`.",
    "customers.stores": "Create the store in commercetools, or correct `customers.stores`.",
    "customers.create_in_store": "Create the store in commercetools, or correct `customers.create_in_store`.",
    "customers.fields": "Add the custom fields to one type for customers (commercetools Types), or correct the places "
    "in `customers.fields` and `customers.consents`.",
}


@preflight
async def check(report: PreflightReport, client: CommercetoolsClient, settings: SyncSettings) -> None:
    """All findings about customers; a scope that is missing or a project that can't be read ends the list."""
    if not settings.customers.synced:
        report.ok("customers.fields", "no field has an owner, so no customers sync")
        return
    places = CustomerPlaces(settings)
    told = "read and written" if _writes(places) else "read"
    grant = await read_grant(report, client)
    check_scopes(report, grant, _needed(places), ok=f"customers can be {told}", missing_for="customers")
    with report.faults_of("customers", end=True):
        references = await read_customer_references(client, places)
    _named(report, references)
    _custom(report, references)
    _languages(report, references)
    _places(report, places)
    # A look-up as a run makes it: that `lowercaseEmail` can be asked for is not in the API reference.
    asked = client.page("/customers", [("where", f'lowercaseEmail = "{_NOBODY}"')], 1, withhold="shape")
    await report.probe("customers", asked, "customers can be looked up by their e-mail address")


def _needed(places: CustomerPlaces) -> list[str]:
    settings = places.settings
    needed = ["manage_customers" if _writes(places) else "view_customers", "view_project_settings"]
    if places.needed:
        needed.append("view_types")
    if settings.stores or settings.create_in_store or settings.owner_of("store") != "none":
        needed.append("view_stores")
    return needed


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


def _named(report: PreflightReport, references: CustomerReferences) -> None:
    problems = references.problems()
    for setting, sentence in problems:
        report.error(setting, sentence, _REMEDIES.get(setting, CONFIG))
    if not problems:
        report.ok("customers", "every group, store and custom field of the settings exists")


def _custom(report: PreflightReport, references: CustomerReferences) -> None:
    """A type that demands more than is written can't be given to a customer without one."""
    chosen = references.custom_type
    if chosen is None:
        return
    named = set(references.places.needed.values())
    demanded = sorted(
        one.name for one in chosen.definitions.values() if one.required and one.name not in named
    )
    if demanded:
        report.warn(
            "customers.fields",
            f"type {chosen.key or chosen.id} demands {', '.join(demanded)}, which nothing here writes: customers "
            "without a type can't be given it",
            "Make these custom fields optional, or give them a place in `customers.fields`.",
        )
    else:
        report.ok("customers.fields", f"custom fields are those of type {chosen.key or chosen.id}")


def _languages(report: PreflightReport, references: CustomerReferences) -> None:
    if references.places.settings.owner_of("language") == "none" or "language" in references.places.custom:
        return
    languages = ", ".join(references.project.languages)
    if languages:
        report.ok("language", f"languages of the project: {languages}; others are left out")
    else:
        report.error("language", "the project has no languages", "Add the shop's languages to the project.")


def _places(report: PreflightReport, places: CustomerPlaces) -> None:
    settings = places.settings
    owned = [name for name in settings.fields if settings.owner_of(name) != "none"]
    for name in sorted(set(owned) - places.holds):
        subject = f"customers.fields.{name}"
        if name in places.custom or not name.startswith(("custom.", "loyalty_")):
            report.warn(
                subject,
                "is touched by `privacy.exclude`, so it does not sync",
                "Take it out of `customers.fields`, or out of `privacy.exclude`.",
            )
        else:
            report.warn(
                subject,
                "has no place in commercetools, so it does not sync",
                "Name a custom field: `commercetools: custom:<name>`.",
            )
    if settings.default_country is None and any(name in owned for name in USES):
        report.warn(
            "customers.default_country",
            "is not set: an address of the till without a country can't be written online",
            "Set it to the country most customers live in, such as DE.",
        )
