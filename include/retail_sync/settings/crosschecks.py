"""What no single setting can see: settings that contradict each other, or that can't work together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from retail_sync.settings.cron import is_schedule
from retail_sync.settings.customerchecks import customer_problems
from retail_sync.settings.document import Loc, Problem
from retail_sync.settings.fields import (
    ATTR_PREFIX,
    ATTRIBUTE_PREFIX,
    COMMERCETOOLS_HOLDS,
    COMMERCETOOLS_PLACES,
    OWN_SETTING,
    PRODUCT_FIELDS,
)
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.orderchecks import order_problems
from retail_sync.settings.pricechecks import base_price_problems, list_problems
from retail_sync.settings.problems import did_you_mean
from retail_sync.settings.products import AssortmentRule, FieldSetting
from retail_sync.settings.realtimechecks import realtime_problems
from retail_sync.settings.stockchecks import (
    channel_problems,
    inventory_problems,
    location_problems,
    override_problems,
)
from retail_sync.settings.transforms import ChooseLocale, EnumLabel, Lookup, StripHtml, Transform, Truncate

FLOWS_BACK = ("lightspeed", "newest", "review")
"""Owners with which a value can travel from the till to commercetools."""


def cross_check(settings: SyncSettings) -> list[Problem]:
    """Everything found, in no particular order."""
    checks: tuple[Callable[[SyncSettings], Iterable[Problem]], ...] = (
        _locales,
        _field_names,
        _field_places,
        _owners,
        _transforms,
        _options,
        _tax_classes,
        _assortment,
        location_problems,
        channel_problems,
        override_problems,
        inventory_problems,
        list_problems,
        base_price_problems,
        customer_problems,
        order_problems,
        realtime_problems,
        _required,
        _privacy,
        _schedules,
        _notify,
    )
    return [problem for check in checks for problem in check(settings)]


def _locales(settings: SyncSettings) -> Iterator[Problem]:
    shop = settings.shop
    if not shop.locales:
        yield Problem(
            ("shop", "locales"), "The shop needs a locale.", "Name the locales of the project, e.g. [en-GB]."
        )
    elif shop.till_locale not in shop.locales:
        yield Problem(
            ("shop", "till_locale"),
            f"{shop.till_locale!r} is not in shop.locales.",
            did_you_mean(shop.till_locale, shop.locales),
        )


def _field_names(settings: SyncSettings) -> Iterator[Problem]:
    for name in settings.products.fields:
        loc: Loc = ("products", "fields", name)
        if name in OWN_SETTING:
            yield Problem(loc, f"{name!r} has a setting of its own.", f"Use {OWN_SETTING[name]} instead.")
        elif name.split(".", 1)[0] in ("name", "description") and "." in name:
            base = name.split(".", 1)[0]
            yield Problem(
                loc, "All locales of a field have one owner.", f"Write {base!r} without the locale."
            )
        elif name not in PRODUCT_FIELDS and not (
            name.startswith(ATTR_PREFIX) and len(name) > len(ATTR_PREFIX)
        ):
            otherwise = f"Use one of {', '.join(PRODUCT_FIELDS)}, or {ATTR_PREFIX}<your name>."
            yield Problem(loc, "There is no such field.", did_you_mean(name, PRODUCT_FIELDS, otherwise))


def _field_places(settings: SyncSettings) -> Iterator[Problem]:
    for name, field in settings.products.fields.items():
        loc: Loc = ("products", "fields", name)
        place = field.commercetools
        if place is not None and place not in COMMERCETOOLS_PLACES and not _attribute_of(place):
            bare = place.split(":", 1)[-1].strip()
            otherwise = f"For an attribute, write {ATTRIBUTE_PREFIX}{bare}."
            yield Problem(
                (*loc, "commercetools"),
                f"{place!r} is neither a product field nor an attribute.",
                did_you_mean(place, COMMERCETOOLS_PLACES, otherwise),
            )
        if name.startswith(ATTR_PREFIX) and not field.lightspeed and field.owner != "none":
            yield Problem(
                loc,
                "Lightspeed does not know this field.",
                "Add `lightspeed:` with the field that is to hold it.",
            )
        if not name.startswith(ATTR_PREFIX) and field.lightspeed:
            yield Problem(
                (*loc, "lightspeed"),
                f"{name!r} has its fixed place in Lightspeed.",
                f"Remove this line; for another place map a field of your own, {ATTR_PREFIX}{name}.",
            )


def _attribute_of(place: str) -> str:
    return place.removeprefix(ATTRIBUTE_PREFIX).strip() if place.startswith(ATTRIBUTE_PREFIX) else ""


def _owners(settings: SyncSettings) -> Iterator[Problem]:
    """An owner whose side does not hold the field would leave it empty for ever."""
    for name, field in settings.products.fields.items():
        is_field = name in PRODUCT_FIELDS or name.startswith(ATTR_PREFIX)
        if is_field and field.owner in ("commercetools", "newest", "review") and not _is_held(name, field):
            yield Problem(
                ("products", "fields", name, "owner"),
                f"The owner is {field.owner!r}, but commercetools does not hold this field.",
                f"Add `commercetools: {ATTRIBUTE_PREFIX}<name>`, or let Lightspeed own it.",
            )


def _is_held(name: str, field: FieldSetting) -> bool:
    if "commercetools" in field.model_fields_set:
        return bool(field.commercetools)
    return name in COMMERCETOOLS_HOLDS


def _transforms(settings: SyncSettings) -> Iterator[Problem]:
    products = settings.products
    for name, field in products.fields.items():
        yield from _transform_list(settings, ("products", "fields", name), field.transforms, field.owner)
    for position, option in enumerate(products.options):
        yield from _transform_list(
            settings, ("products", "options", position), option.transforms, option.owner
        )


def _transform_list(
    settings: SyncSettings, loc: Loc, transforms: Sequence[Transform], owner: str
) -> Iterator[Problem]:
    for position, transform in enumerate(transforms):
        here: Loc = (*loc, "transforms", position)
        for part, locale in _named_locales(transform):
            if locale not in settings.shop.locales:
                yield Problem(
                    (*here, *part),
                    f"The locale {locale!r} is not in shop.locales.",
                    did_you_mean(locale, settings.shop.locales),
                )
        if owner not in FLOWS_BACK:
            continue
        if isinstance(transform, (StripHtml, Truncate)):
            yield Problem(
                here,
                f"{transform.kind} has no way back, but with owner {owner!r} values travel back to commercetools.",
                "Set `owner: commercetools`, or remove the transform.",
            )
        if isinstance(transform, Lookup) and (twice := _repeated(transform.table.values())):
            yield Problem(
                (*here, "table"),
                f"Values travel back to commercetools, but {', '.join(twice)} has several partners.",
                "Make the partners unique, or set `owner: commercetools`.",
            )


def _named_locales(transform: Transform) -> list[tuple[Loc, str]]:
    if isinstance(transform, ChooseLocale):
        fallbacks: list[tuple[Loc, str]] = [
            (("fallback", i), name) for i, name in enumerate(transform.fallback)
        ]
        return [(("locale",), transform.locale), *fallbacks]
    if isinstance(transform, EnumLabel) and transform.locale:
        return [(("locale",), transform.locale)]
    return []


def _options(settings: SyncSettings) -> Iterator[Problem]:
    options = settings.products.options
    attributes = [option.attribute for option in options]
    for position, option in enumerate(options):
        loc: Loc = ("products", "options", position, "attribute")
        if option.attribute.startswith(ATTRIBUTE_PREFIX):
            bare = option.attribute.removeprefix(ATTRIBUTE_PREFIX)
            yield Problem(loc, "Options name the attribute alone.", f"Write {bare!r}.")
        elif attributes.index(option.attribute) < position:
            yield Problem(loc, f"{option.attribute!r} feeds two options.", "Remove one of them.")
    if len({option.owner for option in options}) > 1:
        yield Problem(
            ("products", "options"),
            "Options of one family can't have different owners: they change together.",
            "Give all options the same owner.",
        )


def _tax_classes(settings: SyncSettings) -> Iterator[Problem]:
    classes = settings.products.tax_classes
    flows_back = settings.products.owner_of("tax_class") in FLOWS_BACK
    goes_there = settings.products.owner_of("tax_class") != "none"
    for system, matters in (("commercetools", goes_there), ("lightspeed", flows_back)):
        names = [str(getattr(one, system)) for one in classes]
        for position, name in enumerate(names):
            if matters and names.index(name) < position:
                yield Problem(
                    ("products", "tax_classes", position, system),
                    f"{name!r} belongs to two tax classes; nobody could tell which one is meant.",
                    "Keep one of them.",
                )


def _assortment(settings: SyncSettings) -> Iterator[Problem]:
    rules: tuple[tuple[str, AssortmentRule], ...] = (
        ("commercetools", settings.products.assortment.commercetools),
        ("lightspeed", settings.products.assortment.lightspeed),
    )
    for system, rule in rules:
        loc: Loc = ("products", "assortment", system)
        if (rule.attribute is None) != (rule.attribute_value is None):
            yield Problem(loc, "`attribute` and `attribute_value` belong together.", "Give both or neither.")
        both = sorted(set(rule.skus) & set(rule.exclude_skus))
        if both:
            yield Problem(
                (*loc, "exclude_skus"), f"In both lists: {', '.join(both)}.", "Keep each SKU in one list."
            )


def _required(settings: SyncSettings) -> Iterator[Problem]:
    known = [*PRODUCT_FIELDS, *OWN_SETTING, *settings.products.fields]
    for position, name in enumerate(settings.products.required_attributes):
        if name not in known and name.split(".", 1)[0] not in ("name", "description"):
            yield Problem(
                ("products", "required_attributes", position),
                f"There is no field {name!r}.",
                did_you_mean(name, known),
            )


def _privacy(settings: SyncSettings) -> Iterator[Problem]:
    for system in settings.privacy.exclude:
        if system not in ("commercetools", "lightspeed"):
            yield Problem(
                ("privacy", "exclude", system),
                "There is no such system.",
                did_you_mean(system, ("commercetools", "lightspeed")),
            )


def _schedules(settings: SyncSettings) -> Iterator[Problem]:
    for name in type(settings.schedules).model_fields:
        schedule = getattr(settings.schedules, name)
        if schedule is not None and not is_schedule(schedule):
            yield Problem(
                ("schedules", name),
                f"{schedule!r} is not a schedule.",
                'Write five fields as in "0 * * * *", a word such as "@daily", or null for none.',
            )


def _notify(settings: SyncSettings) -> Iterator[Problem]:
    notify = settings.notify
    if bool(notify.mail_to) != bool(notify.smtp_conn_id):
        yield Problem(
            ("notify",),
            "Mail needs both `mail_to` and `smtp_conn_id`.",
            "Give both, or neither to send no mail.",
        )


def _repeated(values: Iterable[str]) -> list[str]:
    known = list(values)
    return sorted({value for value in known if known.count(value) > 1})
