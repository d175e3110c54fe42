"""Products: fields nobody has, transforms without a way back, options and taxes named twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retail_sync.settings.document import Loc
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.inventory import Offer
from retail_sync.settings.models.product_fields import (
    ATTR_PREFIX,
    ATTRIBUTE_PREFIX,
    COMMERCETOOLS_HOLDS,
    COMMERCETOOLS_PLACES,
    OWN_SETTING,
    PRODUCT_FIELDS,
)
from retail_sync.settings.models.products import AssortmentRule, FieldSetting, ProductSettings
from retail_sync.settings.models.transforms import (
    ChooseLocale,
    EnumLabel,
    Lookup,
    StripHtml,
    Transform,
    Truncate,
)
from retail_sync.settings.problems import did_you_mean
from retail_sync.settings.validation.findings import Findings, repeated

FLOWS_BACK = ("lightspeed", "newest", "review")
"""Owners with which a value can travel from the till to commercetools."""
TEXTS = ("name", "description")
"""Fields with a text for each locale."""


def check_products(settings: SyncSettings, found: Findings) -> None:
    """Everything about products that several settings say together."""
    given, found = settings.products, found.within("products")
    for name, field in given.fields.items():
        here = found.within("fields", name)
        _name(name, here)
        _places(name, field, here)
        _owner(name, field, here)
        _transforms(settings, field.transforms, field.owner, here)
    for position, option in enumerate(given.options):
        _transforms(settings, option.transforms, option.owner, found.within("options", position))
    _options(given, found)
    _tax_classes(given, found)
    check_conditions(given.assortment.commercetools, found.within("assortment", "commercetools"))
    check_conditions(given.assortment.lightspeed, found.within("assortment", "lightspeed"))
    _required(given, found)


def check_conditions(rule: AssortmentRule | Offer, found: Findings) -> None:
    """Conditions of an assortment or an offer go together."""
    if (rule.attribute is None) != (rule.attribute_value is None):
        found.add((), "`attribute` and `attribute_value` belong together.", "Give both or neither.")
    both = sorted(set(rule.skus) & set(rule.exclude_skus))
    if both:
        found.add("exclude_skus", f"In both lists: {', '.join(both)}.", "Keep each SKU in one list.")


def _is_own(name: str) -> bool:
    return name.startswith(ATTR_PREFIX)


def _name(name: str, found: Findings) -> None:
    base, dot, _ = name.partition(".")
    if name in OWN_SETTING:
        found.add((), f"{name!r} has a setting of its own.", f"Use {OWN_SETTING[name]} instead.")
    elif base in TEXTS and dot:
        found.add((), "All locales of a field have one owner.", f"Write {base!r} without the locale.")
    elif name not in PRODUCT_FIELDS and (not _is_own(name) or name == ATTR_PREFIX):
        otherwise = f"Use one of {', '.join(PRODUCT_FIELDS)}, or {ATTR_PREFIX}<your name>."
        found.add((), "There is no such field.", did_you_mean(name, PRODUCT_FIELDS, otherwise))


def _places(name: str, field: FieldSetting, found: Findings) -> None:
    place = field.commercetools
    if place is not None and not _attribute_of(place):
        otherwise = f"For an attribute, write {ATTRIBUTE_PREFIX}{place.split(':', 1)[-1].strip()}."
        problem = "{!r} is neither a product field nor an attribute."
        found.unknown("commercetools", place, COMMERCETOOLS_PLACES, problem, otherwise)
    if _is_own(name) and not field.lightspeed and field.owner != "none":
        remedy = "Add `lightspeed:` with the field that is to hold it."
        found.add((), "Lightspeed does not know this field.", remedy)
    if not _is_own(name) and field.lightspeed:
        found.add(
            "lightspeed",
            f"{name!r} has its fixed place in Lightspeed.",
            f"Remove this line; for another place map a field of your own, {ATTR_PREFIX}{name}.",
        )


def _attribute_of(place: str) -> str:
    return place.removeprefix(ATTRIBUTE_PREFIX).strip() if place.startswith(ATTRIBUTE_PREFIX) else ""


def _owner(name: str, field: FieldSetting, found: Findings) -> None:
    """An owner whose side does not hold the field would leave it empty for ever."""
    given = "commercetools" in field.model_fields_set
    held = bool(field.commercetools) if given else name in COMMERCETOOLS_HOLDS
    is_field = name in PRODUCT_FIELDS or _is_own(name)
    if is_field and not held and field.owner in ("commercetools", "newest", "review"):
        found.add(
            "owner",
            f"The owner is {field.owner!r}, but commercetools does not hold this field.",
            f"Add `commercetools: {ATTRIBUTE_PREFIX}<name>`, or let Lightspeed own it.",
        )


def _transforms(settings: SyncSettings, transforms: Sequence[Transform], owner: str, found: Findings) -> None:
    for position, transform in enumerate(transforms):
        here = found.within("transforms", position)
        for at, locale in _named_locales(transform):
            here.unknown(at, locale, settings.shop.locales, "The locale {!r} is not in shop.locales.")
        if owner in FLOWS_BACK:
            _way_back(transform, owner, here)


def _named_locales(transform: Transform) -> Iterator[tuple[Loc, str]]:
    if isinstance(transform, (ChooseLocale, EnumLabel)) and transform.locale:
        yield ("locale",), transform.locale
    if isinstance(transform, ChooseLocale):
        yield from ((("fallback", at), name) for at, name in enumerate(transform.fallback))


def _way_back(transform: Transform, owner: str, found: Findings) -> None:
    if isinstance(transform, (StripHtml, Truncate)):
        found.add(
            (),
            f"{transform.kind} has no way back, but with owner {owner!r} values travel back to commercetools.",
            "Set `owner: commercetools`, or remove the transform.",
        )
    if isinstance(transform, Lookup):
        twice = sorted({partner for _, partner in repeated(list(transform.table.values()))})
        if twice:
            found.add(
                "table",
                f"Values travel back to commercetools, but {', '.join(twice)} has several partners.",
                "Make the partners unique, or set `owner: commercetools`.",
            )


def _options(given: ProductSettings, found: Findings) -> None:
    attributes = [option.attribute for option in given.options]
    again = dict(repeated(attributes))
    for position, attribute in enumerate(attributes):
        at = ("options", position, "attribute")
        if attribute.startswith(ATTRIBUTE_PREFIX):
            bare = attribute.removeprefix(ATTRIBUTE_PREFIX)
            found.add(at, "Options name the attribute alone.", f"Write {bare!r}.")
        elif position in again:
            found.add(at, f"{attribute!r} feeds two options.", "Remove one of them.")
    if len({option.owner for option in given.options}) > 1:
        found.add(
            "options",
            "Options of one family can't have different owners: they change together.",
            "Give all options the same owner.",
        )


def _tax_classes(given: ProductSettings, found: Findings) -> None:
    owner = given.owner_of("tax_class")
    for system, matters in (("commercetools", owner != "none"), ("lightspeed", owner in FLOWS_BACK)):
        names = [str(getattr(one, system)) for one in given.tax_classes] if matters else []
        for position, name in repeated(names):
            problem = f"{name!r} belongs to two tax classes; nobody could tell which one is meant."
            found.add(("tax_classes", position, system), problem, "Keep one of them.")


def _required(given: ProductSettings, found: Findings) -> None:
    known = [*PRODUCT_FIELDS, *OWN_SETTING, *given.fields]
    for position, name in enumerate(given.required_attributes):
        if name.split(".", 1)[0] not in TEXTS:
            found.unknown(("required_attributes", position), name, known, "There is no field {!r}.")
