"""Applying a field's transforms to commercetools attribute values, and undoing them when writing back.

Two rules hold whatever the transforms are: `reverse` never changes a value whose canonical form is the wanted one
already (so what a transform loses is not lost for good), and other locales of a text survive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from retail_sync.records import transforms as pure
from retail_sync.records.errors import RecordRejected
from retail_sync.records.identifiers import matching_key
from retail_sync.records.types import canonical_json, clean_text, decimal_text
from retail_sync.settings.models import transforms as kinds
from retail_sync.settings.models.transforms import Transform

if TYPE_CHECKING:
    import pandas as pd


class AttributeShape(Protocol):
    """What has to be known about an attribute's type: its name (`text`, `ltext`, `enum`, `lenum`, `number`,
    `boolean`, `money`, `set`, ...), the type of a set's elements, and the values of an enum."""

    @property
    def name(self) -> str: ...
    @property
    def elementType(self) -> AttributeShape | None: ...
    @property
    def values(self) -> Sequence[Mapping[str, Any]] | None: ...


@dataclass(frozen=True)
class LookupMissing:
    """Stands for a value that a lookup table or an enum does not name, where the setting says to hold."""

    value: str
    where: str

    def __str__(self) -> str:
        return f"{self.value!r} is not in {self.where}"


class NoWayBack(RecordRejected):
    """A transform that loses something can't be undone over a value that is there."""

    default_remedy = "Let commercetools own this field (owner: commercetools) or remove the transform."


class _Missing(Exception):
    def __init__(self, marker: LookupMissing) -> None:
        self.marker = marker


# ---------------------------------------------------------------- reading


def apply(
    transforms: Sequence[Transform],
    value: Any,
    *,
    attribute_type: AttributeShape | None = None,
    locale: str | None = None,
) -> Any:
    """The canonical value of a wire value: text, number, flag, list of these, or None where there is none.

    `locale`: which text is taken of localized values no transform chose from (the till's locale). Returns a
    `LookupMissing` where a lookup says `hold`. The type is not needed for reading: values show what they are.
    """
    try:
        for transform in transforms:
            value = _step(transform, value)
    except _Missing as missing:
        return missing.marker
    return _plain(value, locale)


def apply_column(
    transforms: Sequence[Transform],
    column: pd.Series,
    *,
    attribute_type: AttributeShape | None = None,
    locale: str | None = None,
) -> pd.Series:
    """`apply` to a whole column; each distinct value is worked out once."""
    import pandas as pd

    known: dict[str, Any] = {}
    cells = column.tolist()
    keys = [None if _is_unknown(cell) else canonical_json(cell) for cell in cells]
    for key, cell in zip(keys, cells, strict=True):
        if key is not None and key not in known:
            known[key] = apply(transforms, cell, attribute_type=attribute_type, locale=locale)
    absent = apply(transforms, None, attribute_type=attribute_type, locale=locale)
    results = [absent if key is None else known[key] for key in keys]
    return pd.Series(results, index=column.index, name=column.name, dtype=object)


def _is_unknown(cell: Any) -> bool:
    return cell is None or (not isinstance(cell, (str, bool, dict, list)) and cell != cell) or _is_na(cell)


def _is_na(cell: Any) -> bool:
    return type(cell).__name__ in ("NAType", "NaTType")


def _step(transform: Transform, value: Any) -> Any:
    if isinstance(transform, kinds.Default):
        return transform.value if value is None or value == "" or value == [] else value
    if value is None:
        return None
    if isinstance(value, list):
        value = [item for item in value if item is not None]
    if isinstance(transform, kinds.Join):
        return (
            pure.join([_word(item) for item in value], transform.separator)
            if isinstance(value, list)
            else value
        )
    if isinstance(transform, kinds.Split):
        return pure.split(value, transform.separator) if isinstance(value, str) else value
    one = _FORWARD[type(transform)]
    if isinstance(value, list):
        items = (one(transform, item) for item in value)
        return [item for item in items if item is not None]
    return one(transform, value)


def _choose(transform: kinds.ChooseLocale, value: Any) -> Any:
    if pure.is_choice(value):
        return pure.choice_label(value, transform.locale, transform.fallback)
    return pure.choose_locale(value, transform.locale, transform.fallback) if _is_localized(value) else value


def _is_localized(value: Any) -> bool:
    """Whether a value is a text by locale: an object of texts that is not an enum value."""
    texts = isinstance(value, Mapping) and all(isinstance(text, str) for text in value.values())
    return texts and not pure.is_choice(value)


def _look_up(transform: kinds.Lookup, value: Any) -> Any:
    word = _word(value)
    if word in transform.table:
        return transform.table[word]
    same = [
        partner for named, partner in transform.table.items() if matching_key(named) == matching_key(word)
    ]
    if len(same) == 1:
        return same[0]
    return _not_named(transform, word, "the lookup table")


def _not_named(transform: kinds.Lookup, word: str, where: str) -> Any:
    if transform.missing == "hold":
        raise _Missing(LookupMissing(word, where))
    return word if transform.missing == "keep" else None


def _on_text(change: Callable[[Any, str], str]) -> Callable[[Any, Any], Any]:
    """A transform of texts: also of each locale of a localized one; other values stay."""

    def changed(transform: Any, value: Any) -> Any:
        if isinstance(value, str):
            return change(transform, value)
        if _is_localized(value):
            return {name: change(transform, text) for name, text in value.items()}
        return value

    return changed


_FORWARD: dict[type, Callable[[Any, Any], Any]] = {
    kinds.ChooseLocale: _choose,
    kinds.Lookup: _look_up,
    kinds.StripHtml: _on_text(lambda _, text: pure.strip_html(text)),
    kinds.Truncate: _on_text(lambda how, text: pure.truncate(text, how.length, how.ellipsis)),
    kinds.EnumKey: lambda _, value: pure.choice_key(value),
    kinds.EnumLabel: lambda how, value: pure.choice_label(value, how.locale),
    kinds.AsText: lambda how, value: pure.as_text(value, how.true, how.false),
    kinds.MoneyDecimal: lambda how, value: (
        pure.money_decimal(value, how.currency) if isinstance(value, Mapping) else value
    ),
}


def _plain(value: Any, locale: str | None) -> Any:
    """What no transform took care of: an enum value is its label, a localized text the one in `locale`. A null in a
    list is nothing."""
    if isinstance(value, list):
        return [_plain(item, locale) for item in value if item is not None]
    if pure.is_choice(value):
        return pure.choice_label(value, locale)
    if (
        locale
        and isinstance(value, Mapping)
        and value
        and all(isinstance(text, str) for text in value.values())
    ):
        return pure.choose_locale(value, locale)
    return value


def _word(value: Any) -> str:
    """One text for a lookup or a list: the label of an enum value, the exact digits of a number."""
    plain = pure.as_text(pure.choice_label(value), "true", "false")
    return plain if isinstance(plain, str) else canonical_json(plain)


# ---------------------------------------------------------------- writing


def reverse(
    transforms: Sequence[Transform],
    value: Any,
    *,
    attribute_type: AttributeShape,
    present: Any = None,
    locale: str | None = None,
) -> Any:
    """The wire value to write so that `apply` gives `value`; None removes the attribute.

    `present`: the wire value that is there today; it is returned as it is where nothing has to change, and its other
    locales survive. Enum values are written by key. Returns `LookupMissing` where a lookup table or the enum does
    not know the value. Raises NoWayBack where a transform would destroy what is there, RecordRejected where the value
    does not fit the attribute's type.
    """
    today = apply(transforms, present, attribute_type=attribute_type, locale=locale)
    if _same(today, value):
        return present
    try:
        for transform, before in reversed(list(zip(transforms, _stages(transforms, present), strict=True))):
            value = _step_back(transform, value, attribute_type, before)
        return _to_wire(value, attribute_type, present, locale)
    except _Missing as missing:
        return missing.marker
    except (ValueError, TypeError, ArithmeticError) as problem:
        raise RecordRejected(
            f"A value does not fit an attribute of type {attribute_type.name}: {problem}.",
            code="value_not_kept",
            remedy="Correct the value in its source system, or the field's transforms in the configuration file.",
        ) from problem


def _stages(transforms: Sequence[Transform], present: Any) -> list[Any]:
    """What each transform would be given today."""
    stages = [present]
    for transform in transforms:
        try:
            stages.append(_step(transform, stages[-1]))
        except _Missing:
            stages.append(None)
    return stages[:-1]


def _same(one: Any, other: Any) -> bool:
    return not isinstance(one, LookupMissing) and bool(_comparable(one) == _comparable(other))


def _comparable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, list):
        return sorted(canonical_json(_comparable(item)) for item in value)
    return clean_text(value) if isinstance(value, str) else value


def _step_back(transform: Transform, value: Any, shape: AttributeShape, present: Any) -> Any:
    """`present`: what this transform would be given today."""
    if value is None or isinstance(transform, kinds.Default):
        return value
    if isinstance(transform, kinds.Join):
        return pure.split(value, transform.separator) if isinstance(value, str) else value
    if isinstance(transform, kinds.Split):
        return pure.join(value, transform.separator) if isinstance(value, list) else value
    if isinstance(transform, (kinds.StripHtml, kinds.Truncate)):
        return _lossless_back(transform, value, present)
    one = _element(shape)
    if isinstance(value, list):
        before = present if isinstance(present, list) else []
        return [_one_back(transform, item, one, _like(transform, item, before)) for item in value]
    return _one_back(transform, value, one, present)


def _lossless_back(transform: kinds.StripHtml | kinds.Truncate, value: Any, present: Any) -> Any:
    """Only where nothing is there yet, nothing can be destroyed."""
    if present not in (None, "", [], {}):
        raise NoWayBack(
            f"{transform.kind} can't be undone over the text that is there.", code="value_not_kept"
        )
    return (
        pure.text_to_html(value)
        if isinstance(transform, kinds.StripHtml) and isinstance(value, str)
        else value
    )


def _one_back(transform: Transform, value: Any, shape: AttributeShape, present: Any) -> Any:
    if isinstance(transform, kinds.Lookup):
        return _look_back(transform, value)
    if isinstance(transform, kinds.ChooseLocale):
        if shape.values is not None:
            return _key(shape, str(value), transform.locale)
        return pure.put_locale(present if isinstance(present, Mapping) else None, transform.locale, value)
    if isinstance(transform, kinds.EnumKey):
        return _known_key(shape, str(value))
    if isinstance(transform, kinds.EnumLabel):
        return _key(shape, str(value), transform.locale)
    if isinstance(transform, kinds.AsText) and shape.name == "boolean":
        return pure.flag_of_text(str(value), transform.true, transform.false)
    if isinstance(transform, kinds.MoneyDecimal):
        return pure.money_of_decimal(str(value), transform.currency)
    return value


def _look_back(transform: kinds.Lookup, value: Any) -> Any:
    partners = [word for word, partner in transform.table.items() if _same(partner, value)]
    if len(partners) == 1:
        return partners[0]
    return _not_named(transform, str(value), "the lookup table (read backwards, each partner once)")


def _like(transform: Transform, item: Any, before: Sequence[Any]) -> Any:
    """The element of the present set that this item is, so that its other locales survive."""
    return next((each for each in before if _same(_step(transform, each), item)), None)


def _element(shape: AttributeShape) -> AttributeShape:
    return shape.elementType if shape.name == "set" and shape.elementType is not None else shape


def _key(shape: AttributeShape, label: str, locale: str | None) -> str:
    key = pure.key_of_label(shape.values or (), label, locale)
    if key is None:
        raise _Missing(LookupMissing(label, "the labels of the enum"))
    return key


def _known_key(shape: AttributeShape, key: str) -> str:
    known = pure.known_key(shape.values or (), key)
    if known is None:
        raise _Missing(LookupMissing(key, "the keys of the enum"))
    return known


def _to_wire(value: Any, shape: AttributeShape, present: Any, locale: str | None) -> Any:
    """A plain value in the form the attribute's type takes."""
    if value is None:
        return None
    if shape.name == "set":
        items = value if isinstance(value, list) else [value]
        before = present if isinstance(present, list) else []
        one = _element(shape)
        return [
            _to_wire(item, one, next((b for b in before if _same(_plain(b, locale), item)), None), locale)
            for item in items
        ]
    if isinstance(value, list):
        raise TypeError("a list needs a set attribute")
    if shape.values is not None:
        return pure.known_key(shape.values, str(value)) or _key(shape, str(value), locale)
    if shape.name == "ltext" and isinstance(value, str):
        if locale is None:
            raise TypeError("a localized text needs a locale (transform choose_locale)")
        return pure.put_locale(present if isinstance(present, Mapping) else None, locale, value)
    if shape.name == "number" and isinstance(value, str):
        return pure.number_of_text(value)
    if shape.name == "boolean" and isinstance(value, str):
        return pure.flag_of_text(value, "true", "false")
    if shape.name == "text" and not isinstance(value, str):
        return _word(value)
    return value
