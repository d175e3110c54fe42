"""Small exact conversions of attribute values: pure functions on plain Python values, in pairs where there is a way
back. Which of them a field uses, and in which order, is a setting; here is only what each one does.
"""

from __future__ import annotations

import html
import re
import unicodedata
import warnings
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from retail_sync.records.currencies import minor_digits
from retail_sync.records.identifiers import matching_key
from retail_sync.records.types import decimal_text

_BLOCKS = ("p", "div", "section", "article", "li", "ul", "ol", "tr", "table", "blockquote", "pre")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_NOT_TEXT = ("script", "style", "template", "noscript", "iframe", "object", "head")
_TAG_OR_ENTITY = re.compile(r"<|&")
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")


# ---------------------------------------------------------------- localized texts


def choose_locale(value: Mapping[str, str], locale: str, fallback: Sequence[str] = ()) -> str | None:
    """The text in `locale`, or in the first locale of `fallback` that has one; None where none has."""
    return next((value[name] for name in (locale, *fallback) if value.get(name)), None)


def put_locale(present: Mapping[str, str] | None, locale: str, text: str | None) -> dict[str, str] | None:
    """`present` with `text` in one locale, the others as they are; None where nothing is left."""
    changed = {name: kept for name, kept in (present or {}).items() if name != locale}
    if text:
        changed[locale] = text
    return changed or None


# ---------------------------------------------------------------- texts


def strip_html(text: str) -> str:
    """Plain text of HTML: blocks and `<br>` become line breaks, scripts and styles vanish, runs of blanks become one.

    Text that was escaped twice is unescaped until no markup is left, so that none can reach a till.
    """
    while True:
        plain = _tidy(_without_markup(text))
        if plain == text:
            return plain
        text = plain


def text_to_html(text: str) -> str:
    """The least HTML that `strip_html` turns into `text` again, for plain text without markup of its own."""
    return html.escape(text, quote=False).replace("\n", "<br />")


def _without_markup(text: str) -> str:
    if not _TAG_OR_ENTITY.search(text):
        return text
    if "<" not in text:
        return html.unescape(text)
    from bs4 import BeautifulSoup, Comment, Doctype  # only texts with markup pay for the import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "looks like a file name": it is a description
        soup = BeautifulSoup(text, "html.parser")
    for node in soup.find_all(string=lambda found: isinstance(found, (Comment, Doctype))):
        node.extract()
    for tag in soup.find_all(_NOT_TEXT):
        tag.decompose()
    for tag in soup.find_all("br"):
        tag.replace_with("\n")
    for tag in soup.find_all((*_BLOCKS, *_HEADINGS)):
        tag.insert_before("\n")
        tag.insert_after("\n")
    return soup.get_text()


def _tidy(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return "\n".join(line for line in lines if line)


def truncate(text: str, length: int, ellipsis: str = "") -> str:
    """At most `length` code points, cut between words where there is a gap, never inside a character that is written
    with several code points. The ellipsis counts; one that leaves no room is left out."""
    if len(text) <= length:
        return text
    tail = ellipsis if len(ellipsis) < length else ""
    room = length - len(tail)
    gap = max((place for place in range(room, 0, -1) if text[place].isspace()), default=0)
    end = gap
    if not text[:gap].strip():
        end = room
        while end > 0 and _continues(text, end):
            end -= 1
    return text[:end].rstrip() + tail


def _continues(text: str, place: int) -> bool:
    """Whether the code point at `place` belongs to the one before it."""
    here, before = text[place], text[place - 1]
    return unicodedata.combining(here) != 0 or here in _JOINERS or before == "\u200d" or _is_skin_tone(here)


def _is_skin_tone(sign: str) -> bool:
    return "\U0001f3fb" <= sign <= "\U0001f3ff"


# ---------------------------------------------------------------- sets


def join(values: Iterable[str], separator: str) -> str:
    return separator.join(values)


def split(text: str, separator: str) -> list[str]:
    """The parts between separators, without outer blanks, empty parts and repetitions, in order."""
    parts = (part.strip() for part in text.split(separator.strip() or separator))
    return list(dict.fromkeys(part for part in parts if part))


# ---------------------------------------------------------------- choices


def choice_key(value: Any) -> Any:
    """The key of an enum value; anything else as it is."""
    return value["key"] if is_choice(value) else value


def choice_label(value: Any, locale: str | None = None, fallback: Sequence[str] = ()) -> Any:
    """The label of an enum value (in `locale` where labels are localized; without a locale the first); anything else
    as it is. The key where there is no label."""
    if not is_choice(value):
        return value
    label = value.get("label")
    if isinstance(label, Mapping):
        label = choose_locale(label, locale, fallback) if locale else next(iter(label.values()), None)
    return label or value["key"]


def key_of_label(choices: Iterable[Mapping[str, Any]], label: str, locale: str | None = None) -> str | None:
    """The key, as it is spelled, of the one choice with this label (in `locale`; without one, in any), or whose key it
    is. None where there is none, or more than one."""
    known = list(choices)
    wanted = matching_key(label)
    found = {str(one["key"]) for one in known if wanted in _labels(one, locale)}
    if not found:
        own = known_key(known, label)
        found = {own} if own is not None else set()
    return found.pop() if len(found) == 1 else None


def known_key(choices: Iterable[Mapping[str, Any]], key: str) -> str | None:
    """The key of the one choice that has it, as it is spelled; None where there is none, or several that differ in
    blanks alone and none that is spelled just so."""
    same = {str(one["key"]) for one in choices if matching_key(str(one["key"])) == matching_key(key)}
    return key if key in same else next(iter(same)) if len(same) == 1 else None


def _labels(choice: Mapping[str, Any], locale: str | None) -> list[str]:
    label = choice.get("label")
    texts = list(label.values()) if isinstance(label, Mapping) else [label]
    labels = [label.get(locale)] if locale and isinstance(label, Mapping) else texts
    return [matching_key(one) for one in labels if isinstance(one, str)]


def is_choice(value: Any) -> bool:
    """Whether a value is an enum value: a key with a label."""
    return isinstance(value, Mapping) and "key" in value and set(value) <= {"key", "label"}


# ---------------------------------------------------------------- numbers, flags and money


def as_text(value: Any, true: str = "yes", false: str = "no") -> Any:
    """Numbers and flags as text; anything else as it is."""
    if isinstance(value, bool):
        return true if value else false
    if isinstance(value, int):
        return str(value)
    return decimal_text(value) if isinstance(value, Decimal) else value


def flag_of_text(text: str, true: str = "yes", false: str = "no") -> bool:
    """The flag a text means. Raises ValueError for any other text."""
    wanted = text.strip().casefold()
    for word, meaning in ((true, True), (false, False)):
        if wanted == word.casefold():
            return meaning
    raise ValueError(f"{text!r} is neither {true!r} nor {false!r}")


def number_of_text(text: str) -> int | Decimal:
    """The exact number a text means: an int where it is whole. Raises ValueError."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{text!r} is not a number")
    return int(number) if number == number.to_integral_value() else number


def money_decimal(value: Mapping[str, Any], currency: str) -> str | None:
    """A money value as exact decimal text; None where it is of another currency.

    Takes the common JSON form `{currencyCode, centAmount, fractionDigits}`; `preciseAmount`, where there is one,
    counts units of 10^-fractionDigits and is exact, `centAmount` beside it only a rounding.
    """
    if value.get("currencyCode") != currency:
        return None
    precise = value.get("preciseAmount")
    digits = value.get("fractionDigits")
    if precise is None or digits is None:
        return decimal_text(Decimal(int(value["centAmount"])).scaleb(-minor_digits(currency)))
    return decimal_text(Decimal(int(precise)).scaleb(-int(digits)))


def money_of_decimal(text: str, currency: str) -> dict[str, Any]:
    """The money value of an exact decimal. Raises ValueError where it has more digits than the currency."""
    amount = Decimal(text).scaleb(minor_digits(currency))
    if amount != amount.to_integral_value():
        raise ValueError(f"{text} {currency} has more digits than {currency} has")
    return {"currencyCode": currency, "centAmount": int(amount)}
