"""How what people are known by is brought into the one form in which it may be compared.

E-mail addresses are read by `email-validator` (without asking the network), telephone numbers by `phonenumbers`.
Names are folded only to be recognised, never to be written."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from include.records.customers import UNREADABLE
from include.records.types import clean_text

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
        # Reserved domains such as example.com are addresses, too; whether mail arrives is not the question here.
        return validate_email(cleaned, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return UNREADABLE + cleaned


@lru_cache(maxsize=50_000)
def phone_text(text: str, country: str | None) -> str:
    """A telephone number as E.164. `country` (ISO 3166-1 alpha-2): how a number without country code is meant. What
    can't be a number there comes back behind `?`; an empty text stays empty."""
    cleaned = clean_text(text)
    if not cleaned:
        return ""
    try:
        number = phonenumbers.parse(cleaned, (country or "").upper() or None)
    except phonenumbers.NumberParseException:
        return UNREADABLE + cleaned
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        # One that can only be dialled within its town is none that anybody could call.
        return UNREADABLE + cleaned
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


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
