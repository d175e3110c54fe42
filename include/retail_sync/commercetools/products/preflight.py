"""What can be known before a run: the project can be reached, and everything the configuration names exists there."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from retail_sync.commercetools.api import queries
from retail_sync.commercetools.api.catalogue import check_catalogue
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.price_drafts import tax_rule
from retail_sync.commercetools.api.scopes import Grant, check_scopes, read_grant
from retail_sync.commercetools.api.wire import AttributeDefinition
from retail_sync.commercetools.products.fields import Place, Places
from retail_sync.commercetools.products.references import References, read_references
from retail_sync.records.currencies import iso_code
from retail_sync.records.errors import SyncError
from retail_sync.records.ports.preflight import PreflightReport, preflight
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.transforms import (
    AsText,
    ChooseLocale,
    EnumKey,
    EnumLabel,
    Join,
    MoneyDecimal,
    Split,
)

_CONFIG = "Correct the configuration file, then run preflight again."
_PLAIN_TYPES = frozenset(
    {"text", "ltext", "enum", "lenum", "number", "boolean", "date", "time", "datetime", "money"}
)


@preflight
async def check(report: PreflightReport, client: CommercetoolsClient, settings: SyncSettings) -> None:
    """All findings; the first errors (credentials, project) end the list, because nothing else can be looked at."""
    grant = await read_grant(report, client)
    report.ok("credentials", "a token was given")
    _scopes(report, grant, settings)
    references = await _references(report, client, settings)
    _project(report, references, settings)
    await report.probe("clock", queries.server_clock(client), "the server's time can be read")
    with report.faults_of("products.fields", end=True):
        places = Places(settings)
    _attributes(report, references, places)
    for part in (_tax_classes, _price, _policy):
        part(report, references, settings)
    _assortment(report, references, places)
    _creation(report, references, places)
    asked = client.page("/product-projections", [("staged", "true"), ("sort", "id asc")], 1)
    await report.probe("products", asked, "product projections can be read")


def _scopes(report: PreflightReport, grant: Grant, settings: SyncSettings) -> None:
    if grant.is_everything:
        report.ok("scopes", "manage_project covers everything")
        return
    rule = settings.products.assortment.commercetools
    needed = ["manage_products", "view_project_settings"]
    if rule.stores or rule.product_selections:
        needed.insert(1, "view_product_selections")
    if rule.stores:
        needed.append("view_stores")
    check_scopes(report, grant, needed, ok=f"{len(grant.scopes)} scopes, all that are needed")
    if not grant.covers("manage_standalone_prices"):
        report.warn(
            "scopes",
            "standalone prices can't be written",
            "Give the API client manage_standalone_prices if some products have priceMode Standalone.",
        )


async def _references(
    report: PreflightReport, client: CommercetoolsClient, settings: SyncSettings
) -> References:
    with report.faults_of("project", end=True):
        try:
            return await read_references(client, settings)
        except SyncError as fault:
            if fault.status == 404:
                fault.remedy = "Check project_key and the region of the API URL in the Airflow connection."
            raise


def _project(report: PreflightReport, references: References, settings: SyncSettings) -> None:
    project, price = references.project, settings.products.price
    check_catalogue(report, project)
    if not {price.currency, iso_code(price.currency)} & set(project.currencies):
        report.error("products.price.currency", f"{price.currency} is no currency of the project", _CONFIG)
    if price.country and price.country not in project.countries:
        report.error("products.price.country", f"{price.country} is no country of the project", _CONFIG)
    for locale in dict.fromkeys([*settings.shop.locales, settings.shop.till_locale]):
        if locale not in project.languages:
            report.error("shop.locales", f"{locale} is no language of the project", _CONFIG)


def _attributes(report: PreflightReport, references: References, places: Places) -> None:
    for column, place in places.fields.items():
        if place.is_attribute:
            _attribute(report, f"products.fields.{column}", place, references)
    for option in places.options:
        definition = references.any_definition.get(option.attribute)
        if definition is None:
            _missing_attribute(report, f"products.options.{option.name}", option.attribute, references)
        elif definition.level == "Product" or definition.attributeConstraint == "SameForAll":
            report.error(
                f"products.options.{option.name}",
                f"attribute {option.attribute} is the same for all variants, so it can't tell them apart",
                _CONFIG,
            )
        elif definition.type.name not in _PLAIN_TYPES and not option.transforms:
            report.warn(
                f"products.options.{option.name}",
                f"attribute {option.attribute} is a {definition.type.name}; its values are joined to one text",
                "Give the option a transform (`join`, `lookup`).",
            )


def _attribute(report: PreflightReport, subject: str, place: Place, references: References) -> None:
    definition = references.any_definition.get(place.where)
    if definition is None:
        _missing_attribute(report, subject, place.where, references)
        return
    problem = _sense(place, definition)
    if problem:
        report.error(subject, f"attribute {place.where} ({definition.type.name}): {problem}", _CONFIG)
        return
    lacking = [
        t.key or t.name
        for t in references.product_types.values()
        if place.where not in references.definitions[t.id]
    ]
    if lacking:
        report.warn(
            subject,
            f"not in product type {', '.join(sorted(lacking)[:5])}: unknown for its products",
            "Nothing, if that is meant; otherwise add the attribute there.",
        )
    else:
        report.ok(subject, f"attribute {place.where} ({definition.type.name})")


def _missing_attribute(report: PreflightReport, subject: str, name: str, references: References) -> None:
    known = ", ".join(sorted(references.any_definition)[:30]) or "none"
    report.error(subject, f"no product type has an attribute {name}", f"Known attributes: {known}.")


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


def _tax_classes(report: PreflightReport, references: References, settings: SyncSettings) -> None:
    country = settings.products.price.country
    mapped: set[str] = set()
    for tax in settings.products.tax_classes:
        category = references.tax_category(tax.commercetools)
        subject = f"products.tax_classes.{tax.name}"
        if category is None:
            report.error(subject, f"there is no tax category {tax.commercetools}", _CONFIG)
            continue
        mapped.add(category.id)
        rule = tax_rule(category, country)
        if rule is None or rule.share is None:
            tell = report.error if rule is None else report.warn
            tell(
                subject,
                f"tax category {tax.commercetools} has no single rate for {country or 'all its countries'}",
                "Give it a rate for that country, or set products.price.country.",
            )
        else:
            held = "included in prices" if rule.included else "on top of prices"
            report.ok(subject, f"{rule.share:%}, {held}")
    for category in references.tax_categories.values():
        if category.id not in mapped:
            key = category.key or category.name
            report.warn(
                "products.tax_classes",
                f"tax category {key} is not mapped to a tax of the till: its products are held",
                f"Add `- {{name: {category.name or key}, commercetools: {key}, lightspeed: <name of the tax>}}` to "
                "products.tax_classes, or leave its products out of the assortment.",
            )


def _price(report: PreflightReport, references: References, settings: SyncSettings) -> None:
    key = settings.products.price.channel
    if key is None:
        return
    channel = references.channels.get(key)
    if channel is None:
        report.error("products.price.channel", f"there is no channel {key}", _CONFIG)
    elif "ProductDistribution" not in (channel.roles or ()):
        report.error(
            "products.price.channel",
            f"channel {key} does not hold the role ProductDistribution",
            "Add the role ProductDistribution to the channel, or name another channel.",
        )
    else:
        report.ok("products.price.channel", f"channel {key}")


def _assortment(report: PreflightReport, references: References, places: Places) -> None:
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
            report.error(subject, f"not found: {', '.join(missing)}", _CONFIG)
    for key in rule.product_selections:
        if key in references.selections and references.selections[key].excludes:
            report.error(
                "products.assortment.commercetools.product_selections",
                f"{key} lists what is excluded, not what is offered",
                "Name a selection of the kind Individual.",
            )
    if rule.attribute is not None and rule.attribute not in references.any_definition:
        _missing_attribute(report, "products.assortment.commercetools.attribute", rule.attribute, references)
    for what, names in (("tags", rule.tags), ("brand", rule.brands)):
        if names and places.fields.get(what) is None:
            report.error(
                "products.assortment.commercetools",
                f"asks for {what}, which commercetools does not hold",
                f"Say in products.fields.{what}.commercetools where it is held, or use another condition.",
            )


def _creation(report: PreflightReport, references: References, places: Places) -> None:
    products = places.settings.products
    if "commercetools" not in products.create:
        return
    key = products.product_type
    if key is None:
        report.warn(
            "products.product_type",
            "not set: products of the till are not created online",
            "Set it to the key of a product type, or take commercetools out of products.create.",
        )
        return
    product_type = references.type_by_key(key)
    if product_type is None:
        report.error("products.product_type", f"there is no product type {key}", _CONFIG)
        return
    mapped = places.attribute_names
    unset = [d.name for d in product_type.attributes or () if d.isRequired and d.name not in mapped]
    if unset:
        report.error(
            "products.product_type",
            f"{key} requires attributes no field is mapped to: {', '.join(unset)}",
            "Map them, make them optional, or name another product type.",
        )
    else:
        report.ok("products.product_type", f"product type {key}")


def _policy(report: PreflightReport, references: References, settings: SyncSettings) -> None:
    products = settings.products
    if products.projection == "current" and (products.write == "staged" or products.price.staged):
        report.warn(
            "products.write",
            "changes are written to the staged side, but the current side is read: they are not seen until published",
            "Set products.projection to `staged`, or products.write to `live`.",
        )
