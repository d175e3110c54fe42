"""How what people are known by is brought into the one form in which it may be compared.

E-mail addresses are read by `email-validator` (without asking the network), telephone numbers by `phonenumbers`, and
only where the text holds one number and nothing else: what a parser has to guess is not a value. What can't be read
keeps its text behind `?`; it is never written, and still compared, because it may tell two people to be one.
Names are folded only to be recognised, never to be written."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from retail_sync.records.customers import UNREADABLE
from retail_sync.records.identifiers import folded_key
from retail_sync.records.types import clean_text

_EXTENSION = re.compile(
    r"\s*(?:;\s*ext\s*=|[,;]?\s*(?:ext|extn|extension|durchwahl|dw|poste)\.?:?|[,;]?\s*x\.?|#)\s*(\d{1,7})",
    re.IGNORECASE,
)
"""How an extension is written behind a number."""
_ONE_NUMBER = re.compile(r"(?:\+|00)?(?:[\s.\-\u2010-\u2015]*(?:\(\s*\d[\d\s]{0,6}\)|\d+))+")
"""Digits in groups. Letters are a note or a word that is dialled (0800 FLOWERS), commas and semicolons divide numbers:
none of them is read as digits."""
_AREA_CODE_SLASH = re.compile(
    r"^((?:(?:\+|00)\d{1,3}\s?(?:\(0\)\s?)?)?\(?0?\d{2,5}\)?)\s?/\s?(?=\d(?:[^/\d]*\d){2,}[^/]*$)"
)
"""A single slash behind an area or country code only sets it off; any other one stands between two numbers, or before
other last digits (`030 1234/5`)."""
_BELOW = ".com"
_BETWEEN_ADDRESSES = re.compile(r"[\s,;<>]+")
_NOT_A_WORD = re.compile(r"[^\w]+", re.UNICODE)
_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))
"""Müller is spelt Mueller where a keyboard lacks the letter. Folding both to one form joins a few names that differ
(Samuel and Samul), which costs nothing: a name alone never makes a pair."""


@lru_cache(maxsize=50_000)
def email_text(text: str) -> str:
    """An e-mail address as it is written: without white space around it, unicode composed, its domain in small
    letters. The capitals of its first part are kept, as both systems keep them. What is no address comes back behind
    `?`; an empty text stays empty."""
    cleaned = clean_text(text)
    if not cleaned:
        return ""
    try:
        if _is_reserved(cleaned):
            return _validated(cleaned + _BELOW).removesuffix(_BELOW)
        return _validated(cleaned)
    except EmailNotValidError:
        return UNREADABLE + cleaned


def _validated(text: str) -> str:
    return str(validate_email(text, check_deliverability=False).normalized)


def _is_reserved(text: str) -> bool:
    """Whether the domain is one that names no host of the internet (anonymous@example.invalid, ada@localhost). Such
    addresses are ones, too: whether mail arrives is not the question here. The validator refuses them, so that they
    are validated as part of a domain that may be used."""
    domain = text.rpartition("@")[2].casefold()
    return any(domain == name or domain.endswith(f".{name}") for name in SPECIAL_USE_DOMAIN_NAMES)


def email_keys(text: str) -> frozenset[str]:
    """The forms in which an e-mail field is compared, valid or not: one for each address in it. Empty for a field
    without any (`unknown`, `-`), which says nothing about who somebody is. `text` may be what `email_text` made of
    it."""
    parts = _BETWEEN_ADDRESSES.split(text.removeprefix(UNREADABLE))
    return frozenset(
        folded_key(email_text(part).removeprefix(UNREADABLE))
        for part in parts
        if part.strip("@") and "@" in part
    )


@lru_cache(maxsize=50_000)
def phone_text(text: str, country: str | None) -> str:
    """A telephone number as E.164, with ` ext. 12` behind it where it has an extension. `country` (ISO 3166-1
    alpha-2): how a number without country code is meant. What can't be one number there, and nothing but a number,
    comes back behind `?`; an empty text stays empty."""
    cleaned = clean_text(text)
    if not cleaned:
        return ""
    plain, extension = _number_and_extension(cleaned)
    if plain is None:
        return UNREADABLE + cleaned
    try:
        number = phonenumbers.parse(plain, (country or "").upper() or None)
    except phonenumbers.NumberParseException:
        return UNREADABLE + cleaned
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        # One that can only be dialled within its town is none that anybody could call.
        return UNREADABLE + cleaned
    readable = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return f"{readable} ext. {extension}" if extension else readable


def _number_and_extension(text: str) -> tuple[str | None, str]:
    """The digits of the one number that a text is, and its extension; None where it is anything else."""
    text = text.removeprefix("tel:").strip()
    extension = ""
    behind = _EXTENSION.search(text)
    if behind and behind.end() == len(text):
        text, extension = text[: behind.start()].rstrip(), behind.group(1)
    text = _AREA_CODE_SLASH.sub(r"\1 ", text, count=1)
    return (text if text.isascii() and _ONE_NUMBER.fullmatch(text) else None), extension


def name_text(text: str) -> str:
    """A name as it is written: composed, without white space around it or twice inside."""
    return " ".join(clean_text(text).split())


@lru_cache(maxsize=50_000)
def name_words(text: str) -> frozenset[str]:
    """The words of a name as they are recognised: without accents, capitals and punctuation, umlauts in one
    spelling."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    for spelt, letter in _UMLAUTS:
        bare = bare.replace(spelt, letter)
    return frozenset(word for word in _NOT_A_WORD.split(bare) if word)


def balance_text(text: str) -> str:
    """A balance as plain decimal text; nothing is empty, so that who never earned anything has no balance to tell
    of."""
    return "" if text in ("", "0") else text


def is_readable(value: str | None) -> bool:
    """Whether there is a value, and it could be read."""
    return bool(value) and not str(value).startswith(UNREADABLE)
