"""Two customer bases of the population in the stand-ins, and what runs made of them held against the truth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retail_sync.ledger.rows import Hold, Link
from retail_sync.records.people import name_words, phone_text
from retail_sync.records.ports.products import SystemName
from sandbox.commercetools import CommercetoolsStore
from sandbox.lightspeed import LightspeedStore
from tests.support.population import Population, Profile

COUNTRY = "DE"
Row = Mapping[str, Any]
TYPE_KEY = "customer"
LOYALTY_ONLINE, LOYALTY_TILL = "loyaltyId", "custom_field_1"
CUSTOMERS: dict[str, Any] = {
    "fields": {
        "email": {"owner": "newest"},
        "first_name": {"owner": "commercetools"},
        "last_name": {"owner": "commercetools"},
        "phone": {"owner": "newest"},
        "date_of_birth": {"owner": "newest"},
        "shipping_address": {"owner": "newest"},
        "loyalty_id": {
            "owner": "newest",
            "commercetools": f"custom:{LOYALTY_ONLINE}",
            "lightspeed": LOYALTY_TILL,
        },
    },
    "create": ["lightspeed", "commercetools"],
    "default_country": COUNTRY,
}
"""The website knows best how somebody is spelt; of everything else the newest counts."""


def customer_type() -> dict[str, Any]:
    """The draft of the type with the custom field of the loyalty number."""
    loyalty = {
        "name": LOYALTY_ONLINE,
        "label": {"en": LOYALTY_ONLINE},
        "required": False,
        "type": {"name": "String"},
        "inputHint": "SingleLine",
    }
    return {
        "key": TYPE_KEY,
        "name": {"en": "Customer"},
        "resourceTypeIds": ["customer"],
        "fieldDefinitions": [loyalty],
    }


@dataclass
class Bases:
    """Where the profiles of a population went: ids of both sides, by position."""

    population: Population
    online: list[str] = field(default_factory=list)
    till: list[str] = field(default_factory=list)

    @property
    def pairs(self) -> set[tuple[str, str]]:
        """Ids of profiles that are one person, of everybody who has one on each side."""
        return {(self.online[a], self.till[b]) for a, b in self.population.pairs}

    def people(self, system: SystemName) -> dict[str, int]:
        """Who everybody on one side is in truth, by id."""
        if system == "commercetools":
            return {
                record: one.person for record, one in zip(self.online, self.population.online, strict=True)
            }
        return {record: one.person for record, one in zip(self.till, self.population.till, strict=True)}


def move_in(online: CommercetoolsStore, till: LightspeedStore, population: Population) -> Bases:
    """Everybody of the population in both stand-ins. The project has the type of `customer_type`, or one like it."""
    return Bases(
        population,
        [str(online.create("customers", account_of(one))["id"]) for one in population.online],
        [till.add_customer(**till_fields(one)) for one in population.till],
    )


def account_of(one: Profile) -> dict[str, Any]:
    """The draft of an account."""
    address = {
        "key": "home",
        "country": COUNTRY,
        "streetName": one.street,
        "city": one.city,
        "postalCode": one.postcode,
        **({"phone": one.phone} if one.phone else {}),
    }
    known = {"firstName": one.first_name, "lastName": one.last_name, "dateOfBirth": one.date_of_birth}
    draft = {
        "authenticationMode": "ExternalAuth",
        "email": one.email,
        "addresses": [address],
        "defaultShippingAddress": 0,
        **{name: value for name, value in known.items() if value},
    }
    if one.loyalty_id:
        fields = {LOYALTY_ONLINE: one.loyalty_id}
        draft["custom"] = {"type": {"typeId": "type", "key": TYPE_KEY}, "fields": fields}
    return draft


def till_fields(one: Profile) -> dict[str, Any]:
    """A profile as it is entered at the till."""
    fields = {
        "first_name": one.first_name,
        "last_name": one.last_name,
        "email": one.email,
        "phone": one.phone,
        "date_of_birth": one.date_of_birth,
        LOYALTY_TILL: one.loyalty_id,
        "physical_address_1": one.street,
        "physical_city": one.city,
        "physical_postcode": one.postcode,
        "physical_country_id": COUNTRY,
    }
    return {name: value for name, value in fields.items() if value}


@dataclass
class Verdict:
    """What was made of two bases. `wrong`: links of two people. `silent`: pairs that were missed and that nobody was
    told of. `doubled`: who was made on a side that had them. `loose`: who was made and not linked. `apart`: linked
    pairs whose sides differ, and in what."""

    linked: int
    pairs: int
    wrong: list[tuple[str, str]]
    missed: dict[str, int]
    silent: list[tuple[str, str]]
    doubled: list[str]
    loose: list[str]
    apart: list[tuple[str, str, str]]
    held: dict[str, int]

    @property
    def precision(self) -> float:
        return 1 - len(self.wrong) / self.linked if self.linked else 1.0

    @property
    def recall(self) -> float:
        return 1 - sum(self.missed.values()) / self.pairs

    @property
    def is_right(self) -> bool:
        return not (self.wrong or self.silent or self.doubled or self.loose or self.apart)

    def lines(self) -> list[str]:
        """The verdict for a person."""
        held = ", ".join(f"{code} {count}" for code, count in self.held.items()) or "none"
        missed = ", ".join(f"{why} {count}" for why, count in self.missed.items()) or "none"
        return [
            f"{self.pairs} people have one profile on each side; {self.linked} profiles that were there are linked.",
            f"precision {self.precision:.4f}, recall {self.recall:.4f}",
            f"pairs that wait for a person, by what makes them hard: {missed}",
            f"holds: {held}",
        ]


def judge(
    bases: Bases, online: Sequence[Row], till: Sequence[Row], links: Iterable[Link], holds: Sequence[Hold]
) -> Verdict:
    """Hold links, open holds and the rows of both systems, as they are now, against the truth."""
    accounts, profiles = {str(row["id"]): row for row in online}, {str(row["id"]): row for row in till}
    ours, theirs = bases.people("commercetools"), bases.people("lightspeed")
    both = {(link.commercetools_id, link.lightspeed_id) for link in links}
    old = {(a, b) for a, b in both if a in ours and b in theirs}
    missed = bases.pairs - old
    made_online = [ours.get(a, theirs.get(b)) for a, b in both if a not in ours]
    made_till = [theirs.get(b, ours.get(a)) for a, b in both if b not in theirs]
    made_by_nobody = set(accounts) - set(ours) - {a for a, _ in both}
    made_by_nobody |= set(profiles) - set(theirs) - {b for _, b in both}
    told = {f"{hold.subject}": json.dumps(hold.evidence) for hold in holds}
    return Verdict(
        linked=len(old),
        pairs=len(bases.pairs),
        wrong=sorted((a, b) for a, b in old if ours[a] != theirs[b]),
        missed=dict(
            sorted(Counter(bases.population.why.get(ours[a], "nothing known") for a, _ in missed).items())
        ),
        silent=sorted(
            (a, b)
            for a, b in missed
            if b not in told.get(f"commercetools:{a}", "") and a not in told.get(f"lightspeed:{b}", "")
        ),
        doubled=[
            *_doubled("commercetools", made_online, ours.values()),
            *_doubled("lightspeed", made_till, theirs.values()),
        ],
        loose=sorted(made_by_nobody),
        apart=[(a, b, name) for a, b in sorted(both) for name in _differences(accounts[a], profiles[b])],
        held=dict(sorted(Counter(hold.code for hold in holds).items())),
    )


def _doubled(side: str, made: Sequence[int | None], there: Iterable[int]) -> list[str]:
    counted, known = Counter(made), set(there)
    return [f"{side} {who}" for who, count in counted.items() if who is None or count > 1 or who in known]


def _differences(account: Row, profile: Row) -> list[str]:
    """In what two profiles of one person differ, once case and spelling are put aside."""
    phones = [address["phone"] for address in account["addresses"] if address.get("phone")]
    shown = {
        "e-mail": (str(account["email"]).casefold(), str(profile["email"] or "").strip().casefold()),
        "name": (
            name_words(f"{account.get('firstName', '')} {account.get('lastName', '')}"),
            name_words(f"{profile['first_name'] or ''} {profile['last_name'] or ''}"),
        ),
        "phone": (
            phone_text(phones[0] if phones else "", COUNTRY),
            phone_text(str(profile["phone"] or ""), COUNTRY),
        ),
    }
    return [name for name, (one, other) in shown.items() if one != other]
