"""Identifiers: as a system spells them, and the forms in which they are compared.

Records carry an identifier exactly as its system spells it, and that spelling is what requests, look-ups and joins
use. The functions here only compare: two identifiers are the same where their keys are equal, which makes sameness an
equivalence. A key is never sent as an address.

| identifier | the same | shown to a person, never taken for the same |
| --- | --- | --- |
| SKU, customer number, key | `matching_key`, or `folded_key` where the settings fold capitals | `likeness` |
| code a scanner reads | `code_key` | |
| name under which a system keeps one entry, e-mail address | `folded_key` | |
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Literal

from stdnum import ean

ZERO_WIDTH_BLANKS = "\u200b\u2060\ufeff\u180e"
"""Zero width space, word joiner, zero width no-break space (byte order mark), Mongolian vowel separator: blanks that
nobody sees. Marks of direction and joiners are not among them: they may change what is shown."""
GTIN_LENGTHS = frozenset({12, 13, 14})
"""UPC-A, EAN-13 and ITF-14 are one number written with more or fewer leading zeros (GS1 General Specifications, 3.3).
An EAN-8 or a UPC-E has 8 digits of its own, and ITF-14 with an indicator from 1 to 9 is the code of a case."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

Comparison = Literal["exact", "names", "identifiers", "codes"]
"""How values of a column are compared: as they are, as names (capitals don't count), as identifiers, as codes."""

_NO_ZERO_WIDTH = dict.fromkeys(map(ord, ZERO_WIDTH_BLANKS))
_ALIKE = str.maketrans(
    # Small Cyrillic, then small Greek letters, of which the small or the capital one looks like a Latin letter
    # (Unicode TR 39, confusables); then kinds of dashes.
    "авеѕіјкмнорстхуһԁԛԝѵ" + "αβεζηικμνορτυχϲϳ" + "\u2010\u2011\u2012\u2013\u2014\u2015\u2212",
    "abesijkmhopctxyhdqwv" + "abezhikmvoptyxcj" + "-------",
)


def is_uuid(text: str) -> bool:
    """Whether a text can be an id: both systems give UUIDs to all they keep."""
    return _UUID.fullmatch(text) is not None


def matching_key(text: str) -> str:
    """The form in which identifiers are compared: composed (NFC), blanks of any kind as one plain blank, none at the
    ends and none of zero width. Capitals count. Empty for what nobody could see: an empty key matches nothing."""
    composed = text if text.isascii() else unicodedata.normalize("NFC", text.translate(_NO_ZERO_WIDTH))
    return " ".join(composed.split())


def folded_key(text: str) -> str:
    """As `matching_key`, with capitals aside."""
    key = matching_key(text).casefold()
    return key if key.isascii() else unicodedata.normalize("NFC", key)


def code_key(code: str) -> str:
    """The form in which codes are compared: a GTIN with 14 digits, anything else by `matching_key`.

    A number with a wrong check digit is no GTIN: its leading zeros count."""
    key = matching_key(code)
    if len(key) in GTIN_LENGTHS and key.isascii() and key.isdigit() and ean.is_valid(key):
        return key.zfill(14)
    return key


def likeness(text: str) -> str:
    """What a person takes an identifier for: capitals, letters of other alphabets that look Latin, kinds of dashes,
    wide forms, and marks that nobody sees (of direction, joiners, soft hyphens) make no difference. Equal for two
    identifiers that are not the same is a question to a person, never an answer."""
    if text.isascii():
        return folded_key(text)
    plain = unicodedata.normalize("NFKC", folded_key(text))
    seen = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")
    return folded_key(folded_key(seen).translate(_ALIKE))


def spelled_as(wanted: Iterable[str], standing: Iterable[str]) -> list[str]:
    """The codes of `wanted`, each spelled as `standing` spells it where it is there, once each."""
    spellings: dict[str, str] = {}
    for code in standing:
        spellings.setdefault(code_key(code), code)
    return list(dict.fromkeys(spellings.get(code_key(code), code) for code in wanted))


def key_function(comparison: Comparison, *, capitals_count: bool = True) -> Callable[[str], str]:
    """The key of one text under a comparison. `capitals_count`: of identifiers."""
    if comparison == "identifiers":
        return matching_key if capitals_count else folded_key
    if comparison == "names":
        return folded_key
    return code_key if comparison == "codes" else str
