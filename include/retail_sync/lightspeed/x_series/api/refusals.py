"""What a store refuses about a sale, and what to do about it.

How refusals of sales look is not documented. Fields that are named count first, then the words of the sentence; what
tells neither is refused without a reason of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

RETURN = re.compile(r"/sales/[^/]+/actions/return$")
_SALE = re.compile(r"/sales(?:/|$)")
_NOTHING_LEFT = re.compile(r"\bnothing\b|\bno (?:more )?items?\b|\balready\b|\bleft\b", re.I)
_CLOSED = re.compile(r"\bclosed\b|\bnot (?:been )?open", re.I)


@dataclass(frozen=True)
class Refusal:
    """`code` of the rejection, and the way out."""

    code: str
    remedy: str


REGISTER_CLOSED = Refusal("register_closed", "Open the register at the till; it is tried again by itself.")
REGISTER_UNKNOWN = Refusal(
    "register_unknown", "Correct `orders.registers`, then run preflight; it is tried again by itself."
)
TENDER_UNKNOWN = Refusal(
    "tender_unknown",
    "Correct the payment types in `orders.tenders`, then run preflight; it is tried again by itself.",
)
TAX_UNKNOWN = Refusal(
    "tax_unknown", "Correct the taxes in `orders.taxes`, then run preflight; it is tried again by itself."
)
ARTICLE_UNKNOWN = Refusal(
    "article_unknown",
    "Make sure that the article is at the till, then run products; it is tried again by itself.",
)
CUSTOMER_UNKNOWN = Refusal(
    "customer_unknown", "Run customers, so that it is known who the customer is; it is tried again by itself."
)
USER_UNKNOWN = Refusal(
    "user_unknown", "Correct `orders.user`, then run preflight; it is tried again by itself."
)
NOTHING_TO_RETURN = Refusal("nothing_to_return", "Look at the sale and its returns at the till.")
NOT_RETURNABLE = Refusal("not_returnable", "Only a closed sale can be returned: close it at the till.")

_BY_FIELD: tuple[tuple[re.Pattern[str], Refusal], ...] = tuple(
    (re.compile(pattern), refusal)
    for pattern, refusal in (
        (r"register", REGISTER_UNKNOWN),
        (r"config_id|payment_type", TENDER_UNKNOWN),
        (r"\btax(?:_id|es|\b)", TAX_UNKNOWN),
        (r"product", ARTICLE_UNKNOWN),
        (r"customer", CUSTOMER_UNKNOWN),
        (r"author|user", USER_UNKNOWN),
    )
)
_UNKNOWN = r"\b(?:not found|unknown|invalid|not exist|no such|not valid)"
_BY_WORDS: tuple[tuple[re.Pattern[str], Refusal], ...] = tuple(
    (re.compile(rf"{words}.*{_UNKNOWN}|{_UNKNOWN}.*{words}", re.I | re.S), refusal)
    for words, refusal in (
        (r"\bregister", REGISTER_UNKNOWN),
        (r"\bpayment.?type|\bconfig_id", TENDER_UNKNOWN),
        (r"\btax", TAX_UNKNOWN),
        (r"\bproduct", ARTICLE_UNKNOWN),
        (r"\bcustomer", CUSTOMER_UNKNOWN),
        (r"\buser\b|\bauthor", USER_UNKNOWN),
    )
)


def refusal_of(path: str, fields: Mapping[str, str], said: str) -> Refusal | None:
    """What is wrong with the sale that was sent to `path`; None where it is no sale, or the answer does not tell."""
    if not _SALE.search(path):
        return None
    words = " ".join((said, *fields.values()))
    if re.search(r"register", f"{said} {' '.join(fields)}", re.I) and _CLOSED.search(words):
        return REGISTER_CLOSED
    if RETURN.search(path):
        if any("line_items" in name for name in fields) or _NOTHING_LEFT.search(words):
            return NOTHING_TO_RETURN
        if any("state" in name for name in fields):
            return NOT_RETURNABLE
    return _first(_BY_FIELD, fields) or _first(_BY_WORDS, [said])


def _first(known: Iterable[tuple[re.Pattern[str], Refusal]], texts: Iterable[str]) -> Refusal | None:
    given = list(texts)
    return next((refusal for pattern, refusal in known if any(map(pattern.search, given))), None)
