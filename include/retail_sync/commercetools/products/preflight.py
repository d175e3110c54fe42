"""What can be known before a run: the project can be reached, and everything the configuration names exists there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Literal

from retail_sync.commercetools.api import queries
from retail_sync.commercetools.api.catalogue import catalogue_findings
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SCOPES
from retail_sync.commercetools.api.price_drafts import tax_rule
from retail_sync.commercetools.api.references import References, read_references
from retail_sync.commercetools.api.scopes import covers
from retail_sync.commercetools.api.wire import AttributeDefinition
from retail_sync.commercetools.products.fields import Place, Places
from retail_sync.records.currencies import iso_code
from retail_sync.records.errors import ConfigurationFault, SyncError
from retail_sync.records.ports.products import CheckResult
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.transforms import (
    AsText,
    ChooseLocale,
    EnumKey,
    EnumLabel,
    Join,
    MoneyDecimal,
    Split,
)

Level = Literal["ok", "warning", "error"]
Results = Iterator[CheckResult]
_CONFIG = "Correct the configuration file, then run preflight again."
_PLAIN_TYPES = frozenset(
    {"text", "ltext", "enum", "lenum", "number", "boolean", "date", "time", "datetime", "money"}
)


async def check(client: CommercetoolsClient, settings: SyncSettings) -> list[CheckResult]:
    """All findings; the first errors (credentials, project) end the list, because nothing else can be looked at."""
    results: list[CheckResult] = []
    try:
        scopes = await client.granted_scopes()
    except SyncError as fault:
        return [CheckResult("error", "credentials", fault.message, fault.remedy)]
    results.append(CheckResult("ok", "credentials", "a token was given"))
    results.extend(_scopes(scopes, client.connection.project_key, settings))
    try:
        references = await read_references(client, settings)
    except SyncError as fault:
        remedy = fault.remedy
        if fault.status == 404:
            remedy = "Check project_key and the region of the API URL in the Airflow connection."
        return [*results, CheckResult("error", "project", fault.message, remedy)]
    results.extend(_project(references, settings))
    results.append(await _clock(client))
    try:
        places = Places(settings)
    except ConfigurationFault as fault:
        return [*results, CheckResult("error", "products.fields", fault.message, fault.remedy)]
    results.extend(_attributes(references, places))
    for part in (_tax_classes, _price, _policy):
        results.extend(part(references, settings))
    results.extend(_assortment(references, places))
    results.extend(_creation(references, places))
    results.append(await _readable(client))
    return results


def _result(level: Level, subject: str, finding: str, remedy: str = "") -> CheckResult:
    return CheckResult(level, subject, finding, remedy)


def _scopes(granted: frozenset[str], project: str, settings: SyncSettings) -> Results:
    if f"manage_project:{project}" in granted:
        yield _result("ok", "scopes", "manage_project covers everything")
        return
    needed = set(SCOPES) - {"view_standalone_prices", "manage_standalone_prices"}
    rule = settings.products.assortment.commercetools
    if not rule.stores:
        needed.discard("view_stores")
    if not (rule.stores or rule.product_selections):
        needed.discard("view_product_selections")
    missing = sorted(scope for scope in needed if not covers(granted, scope, project))
    if missing:
        yield _result(
            "error",
            "scopes",
            f"missing: {', '.join(missing)}",
            f"Give the API client {', '.join(f'{scope}:{project}' for scope in missing)} and put its new credentials "
            "into the connection; also check `scopes` there.",
        )
    else:
        yield _result("ok", "scopes", f"{len(granted)} scopes, all that are needed")
    if not covers(granted, "manage_standalone_prices", project):
        yield _result(
            "warning",
            "scopes",
            "standalone prices can't be written",
            "Give the API client manage_standalone_prices if some products have priceMode Standalone.",
        )


def _project(references: References, settings: SyncSettings) -> Results:
    project, price = references.project, settings.products.price
    yield from catalogue_findings(project)
    if not {price.currency, iso_code(price.currency)} & set(project.currencies):
        yield _result(
            "error", "products.price.currency", f"{price.currency} is no currency of the project", _CONFIG
        )
    if price.country and price.country not in project.countries:
        yield _result(
            "error", "products.price.country", f"{price.country} is no country of the project", _CONFIG
        )
    for locale in dict.fromkeys([*settings.shop.locales, settings.shop.till_locale]):
        if locale not in project.languages:
            yield _result("error", "shop.locales", f"{locale} is no language of the project", _CONFIG)


async def _clock(client: CommercetoolsClient) -> CheckResult:
    try:
        await queries.server_clock(client)
    except SyncError as fault:
        return _result("error", "clock", fault.message, fault.remedy)
    return _result("ok", "clock", "the server's time can be read")


def _attributes(references: References, places: Places) -> Results:
    for column, place in places.fields.items():
        if place.is_attribute:
            yield from _attribute(f"products.fields.{column}", place, references)
    for option in places.options:
        definition = references.any_definition.get(option.attribute)
        if definition is None:
            yield _missing_attribute(f"products.options.{option.name}", option.attribute, references)
        elif definition.level == "Product" or definition.attributeConstraint == "SameForAll":
            yield _result(
                "error",
                f"products.options.{option.name}",
                f"attribute {option.attribute} is the same for all variants, so it can't tell them apart",
                _CONFIG,
            )
        elif definition.type.name not in _PLAIN_TYPES and not option.transforms:
            yield _result(
                "warning",
                f"products.options.{option.name}",
                f"attribute {option.attribute} is a {definition.type.name}; its values are joined to one text",
                "Give the option a transform (`join`, `lookup`).",
            )


def _attribute(subject: str, place: Place, references: References) -> Results:
    definition = references.any_definition.get(place.where)
    if definition is None:
        yield _missing_attribute(subject, place.where, references)
        return
    problem = _sense(place, definition)
    if problem:
        yield _result(
            "error", subject, f"attribute {place.where} ({definition.type.name}): {problem}", _CONFIG
        )
        return
    lacking = [
        t.key or t.name
        for t in references.product_types.values()
        if place.where not in references.definitions[t.id]
    ]
    if lacking:
        yield _result(
            "warning",
            subject,
            f"not in product type {', '.join(sorted(lacking)[:5])}: unknown for its products",
            "Nothing, if that is meant; otherwise add the attribute there.",
        )
    else:
        yield _result("ok", subject, f"attribute {place.where} ({definition.type.name})")


def _missing_attribute(subject: str, name: str, references: References) -> CheckResult:
    known = ", ".join(sorted(references.any_definition)[:30]) or "none"
    return _result(
        "error", subject, f"no product type has an attribute {name}", f"Known attributes: {known}."
    )


def _sense(place: Place, definition: AttributeDefinition) -> str:
    """Why this attribute can't hold the field; empty where it can."""
    kind = definition.type.name
    element = definition.type.elementType.name if kind == "set" and definition.type.elementType else kind
    steps = {type(step) for step in place.transforms}
    if place.type == "decimal" and element not in ("number", "money", "text", "ltext"):
        return "a number or money attribute is needed"
    if place.type == "flag" and kind not in ("boolean", "text", "enum", "lenum"):
        return "a boolean attribute is needed"
    if place.type == "text" and kind == "set" and Join not in steps and place.column != "barcodes":
        return "a set needs the transform `join` to become one text"
    if place.type == "set" and kind != "set" and Split not in steps and place.column != "barcodes":
        return "one value needs the transform `split` to become a set"
    if MoneyDecimal in steps and element != "money":
        return "`money_decimal` needs a money attribute"
    if steps & {EnumKey, EnumLabel} and element not in ("enum", "lenum"):
        return "`enum_key` and `enum_label` need an enum attribute"
    if ChooseLocale in steps and element not in ("ltext", "lenum"):
        return "`choose_locale` needs a localized attribute"
    if AsText in steps and element not in ("number", "boolean"):
        return "`as_text` needs a number or boolean attribute"
    return ""


def _tax_classes(references: References, settings: SyncSettings) -> Results:
    country = settings.products.price.country
    mapped: set[str] = set()
    for tax in settings.products.tax_classes:
        category = references.tax_category(tax.commercetools)
        subject = f"products.tax_classes.{tax.name}"
        if category is None:
            yield _result("error", subject, f"there is no tax category {tax.commercetools}", _CONFIG)
            continue
        mapped.add(category.id)
        rule = tax_rule(category, country)
        if rule is None or rule.share is None:
            yield _result(
                "error" if rule is None else "warning",
                subject,
                f"tax category {tax.commercetools} has no single rate for {country or 'all its countries'}",
                "Give it a rate for that country, or set products.price.country.",
            )
        else:
            held = "included in prices" if rule.included else "on top of prices"
            yield _result("ok", subject, f"{rule.share:%}, {held}")
    for category in references.tax_categories.values():
        if category.id not in mapped:
            key = category.key or category.name
            yield _result(
                "warning",
                "products.tax_classes",
                f"tax category {key} is not mapped to a tax of the till: its products are held",
                f"Add `- {{name: {category.name or key}, commercetools: {key}, lightspeed: <name of the tax>}}` to "
                "products.tax_classes, or leave its products out of the assortment.",
            )


def _price(references: References, settings: SyncSettings) -> Results:
    key = settings.products.price.channel
    if key is None:
        return
    channel = references.channels.get(key)
    if channel is None:
        yield _result("error", "products.price.channel", f"there is no channel {key}", _CONFIG)
    elif "ProductDistribution" not in (channel.roles or ()):
        yield _result(
            "error",
            "products.price.channel",
            f"channel {key} does not hold the role ProductDistribution",
            "Add the role ProductDistribution to the channel, or name another channel.",
        )
    else:
        yield _result("ok", "products.price.channel", f"channel {key}")


def _assortment(references: References, places: Places) -> Results:
    rule = places.settings.products.assortment.commercetools
    named: list[tuple[str, Iterable[str], Callable[[str], bool]]] = [
        ("stores", rule.stores, lambda key: key in references.stores),
        ("product_selections", rule.product_selections, lambda key: key in references.selections),
        (
            "categories",
            rule.categories,
            lambda key: any(references.category_is(c, key) for c in references.categories.values()),
        ),
    ]
    for what, keys, exists in named:
        missing = [key for key in keys if not exists(key)]
        if missing:
            subject = f"products.assortment.commercetools.{what}"
            yield _result("error", subject, f"not found: {', '.join(missing)}", _CONFIG)
    for key in rule.product_selections:
        if key in references.selections and references.selections[key].excludes:
            yield _result(
                "error",
                "products.assortment.commercetools.product_selections",
                f"{key} lists what is excluded, not what is offered",
                "Name a selection of the kind Individual.",
            )
    if rule.attribute is not None and rule.attribute not in references.any_definition:
        yield _missing_attribute("products.assortment.commercetools.attribute", rule.attribute, references)
    for what, names in (("tags", rule.tags), ("brand", rule.brands)):
        if names and places.fields.get(what) is None:
            yield _result(
                "error",
                "products.assortment.commercetools",
                f"asks for {what}, which commercetools does not hold",
                f"Say in products.fields.{what}.commercetools where it is held, or use another condition.",
            )


def _creation(references: References, places: Places) -> Results:
    products = places.settings.products
    if "commercetools" not in products.create:
        return
    key = products.product_type
    if key is None:
        yield _result(
            "warning",
            "products.product_type",
            "not set: products of the till are not created online",
            "Set it to the key of a product type, or take commercetools out of products.create.",
        )
        return
    product_type = references.type_by_key(key)
    if product_type is None:
        yield _result("error", "products.product_type", f"there is no product type {key}", _CONFIG)
        return
    mapped = places.attribute_names
    unset = [d.name for d in product_type.attributes or () if d.isRequired and d.name not in mapped]
    if unset:
        yield _result(
            "error",
            "products.product_type",
            f"{key} requires attributes no field is mapped to: {', '.join(unset)}",
            "Map them, make them optional, or name another product type.",
        )
    else:
        yield _result("ok", "products.product_type", f"product type {key}")


def _policy(references: References, settings: SyncSettings) -> Results:
    products = settings.products
    if products.projection == "current" and (products.write == "staged" or products.price.staged):
        yield _result(
            "warning",
            "products.write",
            "changes are written to the staged side, but the current side is read: they are not seen until published",
            "Set products.projection to `staged`, or products.write to `live`.",
        )


async def _readable(client: CommercetoolsClient) -> CheckResult:
    read: Awaitable[object] = client.page("/product-projections", [("staged", "true"), ("sort", "id asc")], 1)
    try:
        await read
    except SyncError as fault:
        return _result("error", "products", fault.message, fault.remedy)
    return _result("ok", "products", "product projections can be read")
