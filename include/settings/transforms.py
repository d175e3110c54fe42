"""How a commercetools value becomes the canonical one, and back where that is possible.

A field's `transforms` are applied in order when reading commercetools and, reversed, when writing to it. A transform
that loses something (`strip_html`, `truncate`) has no way back: the field should be owned by commercetools then.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from include.settings.base import Settings


class ChooseLocale(Settings):
    """Take one locale of a localized text; writing back changes this locale and leaves the others alone."""

    kind: Literal["choose_locale"]
    locale: str
    """Locale as commercetools spells it, e.g. `en-GB`."""
    fallback: tuple[str, ...] = ()
    """Locales to read from, in order, where `locale` has no text."""


class Join(Settings):
    """Make one text of a set; back: split at the separator."""

    kind: Literal["join"]
    separator: str = ", "


class Split(Settings):
    """Make a set of one text; back: join with the separator."""

    kind: Literal["split"]
    separator: str = ","


class Lookup(Settings):
    """Replace a value by its partner in `table`; back: the other way round (partners must be unique)."""

    kind: Literal["lookup"]
    table: dict[str, str]
    missing: Literal["keep", "empty", "hold"] = "hold"
    """What to do with a value the table does not name."""


class Default(Settings):
    """Use `value` where the attribute has none; back: unchanged."""

    kind: Literal["default"]
    value: str | int | bool


class StripHtml(Settings):
    """Plain text of HTML, paragraphs as line breaks. No way back."""

    kind: Literal["strip_html"]


class Truncate(Settings):
    """At most `length` characters, cut at a word boundary. No way back."""

    kind: Literal["truncate"]
    length: int = Field(gt=0)
    ellipsis: str = ""


class EnumKey(Settings):
    """Key of an enum value (the default takes the label); back: the value with that key."""

    kind: Literal["enum_key"]


class EnumLabel(Settings):
    """Label of an enum value (`locale` for localized enums); back: the value whose label it is."""

    kind: Literal["enum_label"]
    locale: str | None = None


class AsText(Settings):
    """A number or boolean as text; back: parsed to the attribute's own type."""

    kind: Literal["as_text"]
    true: str = "yes"
    false: str = "no"


class MoneyDecimal(Settings):
    """A money attribute as an exact decimal; back: money in `currency`. Another currency is not taken."""

    kind: Literal["money_decimal"]
    currency: str


Transform = Annotated[
    ChooseLocale
    | Join
    | Split
    | Lookup
    | Default
    | StripHtml
    | Truncate
    | EnumKey
    | EnumLabel
    | AsText
    | MoneyDecimal,
    Field(discriminator="kind"),
]
