"""How a commercetools value becomes the canonical one, and back where that is possible.

A field's `transforms` are applied in order when reading commercetools and, reversed, when writing to it. A transform
that loses something (`strip_html`, `truncate`) has no way back: the field should be owned by commercetools then.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from retail_sync.settings.models.base import Currency, Settings


class ChooseLocale(Settings):
    """Take one locale of a localized text; writing back changes this locale and leaves the others alone."""

    kind: Literal["choose_locale"]
    """Which transform this is."""
    locale: str
    """Locale as commercetools spells it, e.g. `en-GB`."""
    fallback: tuple[str, ...] = ()
    """Locales to read from, in order, where `locale` has no text."""


class Join(Settings):
    """Make one text of a set; back: split at the separator."""

    kind: Literal["join"]
    """Which transform this is."""
    separator: str = ", "
    """What stands between the values."""


class Split(Settings):
    """Make a set of one text; back: join with the separator."""

    kind: Literal["split"]
    """Which transform this is."""
    separator: str = ","
    """What stands between the values; blanks around it do not count."""


class Lookup(Settings):
    """Replace a value by its partner in `table`; back: the other way round (partners must be unique)."""

    kind: Literal["lookup"]
    """Which transform this is."""
    table: dict[str, str]
    """commercetools value -> canonical value."""
    missing: Literal["keep", "empty", "hold"] = "hold"
    """What to do with a value the table does not name."""


class Default(Settings):
    """Use `value` where the attribute has none; back: unchanged."""

    kind: Literal["default"]
    """Which transform this is."""
    value: str | int | bool
    """The value to use."""


class StripHtml(Settings):
    """Plain text of HTML, paragraphs as line breaks. No way back."""

    kind: Literal["strip_html"]
    """Which transform this is."""


class Truncate(Settings):
    """At most `length` characters, cut at a word boundary. No way back."""

    kind: Literal["truncate"]
    """Which transform this is."""
    length: int = Field(gt=0)
    """Most characters."""
    ellipsis: str = ""
    """Put at the end of a text that was cut; it counts."""


class EnumKey(Settings):
    """Key of an enum value (the default takes the label); back: the value with that key."""

    kind: Literal["enum_key"]
    """Which transform this is."""


class EnumLabel(Settings):
    """Label of an enum value (`locale` for localized enums); back: the value whose label it is."""

    kind: Literal["enum_label"]
    """Which transform this is."""
    locale: str | None = None
    """Locale of the label; empty = any."""


class AsText(Settings):
    """A number or boolean as text; back: parsed to the attribute's own type."""

    kind: Literal["as_text"]
    """Which transform this is."""
    true: str = "yes"
    """Text for true."""
    false: str = "no"
    """Text for false."""


class MoneyDecimal(Settings):
    """A money attribute as an exact decimal; back: money in `currency`. Another currency is not taken."""

    kind: Literal["money_decimal"]
    """Which transform this is."""
    currency: Currency
    """ISO 4217 code, such as EUR."""


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
