"""A plan made from whoever bears on somebody is the plan made from everybody."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text

from retail_sync.ledger import Ledger
from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.rows import MirrorRow
from retail_sync.records.customers import ENTITY
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.records.types import digest
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers.known import Known, bury, see_rows
from retail_sync.sync.customers.loading import load_world
from retail_sync.sync.customers.planner import CustomerPlan, plan_customers
from retail_sync.sync.customers.ruling import IDENTITY
from retail_sync.sync.engine.findings import Finding
from tests.sync.customers.paper import TERMS, customer, link, settings

NOW = datetime(2026, 11, 26, tzinfo=UTC)
NAMES = st.sampled_from([("Ada", "Byron"), ("Ada", "Lovelace"), ("Mary", "Shelley"), ("", "")])
MAILS = st.sampled_from(["", "", "a@example.org", "b@example.org", "c@example.org", "d@example.org"])
PHONES = st.sampled_from(["", "", "+493023125001", "+493023125002", "+493023125003"])
NUMBERS = st.sampled_from(["", "", "N1", "N2", "N3"])
STEPS = st.sampled_from(
    [
        ["external_id", "loyalty_id", "number", "email", "phone_name"],
        ["email", "phone_name"],
        ["number"],
        ["external_id", "email"],
    ]
)


@st.composite
def people(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    sides: dict[str, list[dict[str, Any]]] = {}
    for system, prefix, theirs in (("commercetools", "c", "l"), ("lightspeed", "l", "c")):
        rows = []
        for number in range(draw(st.integers(1, 6))):
            first, last = draw(NAMES)
            rows.append(
                {
                    "record": f"{prefix}{number}",
                    "first_name": first,
                    "last_name": last,
                    "email": draw(MAILS),
                    "phone": draw(PHONES),
                    "number": draw(NUMBERS),
                    "loyalty_id": draw(NUMBERS),
                    "external_id": draw(st.sampled_from(["", "", f"{theirs}0", f"{theirs}1", f"{theirs}2"])),
                    "takes_part": draw(st.sampled_from([True, True, True, False])),
                    "gone": draw(st.sampled_from([False, False, False, True])),
                }
            )
        sides[system] = rows
    return sides


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    sides = draw(people())
    ids = {system: [row["record"] for row in rows] for system, rows in sides.items()}
    pairs = list(
        zip(
            draw(st.permutations(ids["commercetools"])),
            draw(st.permutations(ids["lightspeed"])),
            strict=False,
        )
    )
    return {
        "sides": sides,
        "links": pairs[: draw(st.integers(0, 4))],
        "decisions": draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["same", "apart"]),
                    st.sampled_from(ids["commercetools"]),
                    st.sampled_from(ids["lightspeed"]),
                ),
                max_size=2,
            )
        ),
        "affected": {system: draw(st.sets(st.sampled_from(ids[system]), max_size=2)) for system in SYSTEMS},
    }


def keep(ledger: Ledger, world: dict[str, Any]) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text("TRUNCATE mirror, links, decisions"))
    for system, rows in world["sides"].items():
        people = [
            customer(system, **{name: cell for name, cell in row.items() if name != "gone"}) for row in rows
        ]
        see_rows(ledger, "run", system, [mirrored(one) for one in people])
        bury(ledger, "run", system, [row["record"] for row in rows if row["gone"]], NOW)
    ledger.links.add([link(*pair) for pair in world["links"]])
    ledger.decisions.add(
        ENTITY,
        [
            Decision(
                subject=f"commercetools:{online}", code=IDENTITY, field=till, by="me", about="identity",
                verdict="approve" if what == "same" else "reject",
            )
            for what, online, till in world["decisions"]
        ],
    )  # fmt: skip


def mirrored(one: Known) -> MirrorRow:
    return MirrorRow(
        id=one.id,
        version=one.version,
        modified_at=one.modified_at,
        digest=digest(dict(one.fields)),
        fields=one.fields,
        carry=one.carry,
        identity=one.identity,
    )


def planned(ledger: Ledger, world: dict[str, Any], steps: list[str], *, whole: bool) -> CustomerPlan:
    configured = cast("SyncSettings", SimpleNamespace(customers=settings(match=steps)))
    return plan_customers(load_world(ledger, configured, TERMS, world["affected"], whole=whole))


def told(findings: list[Finding]) -> dict[str, Finding]:
    return {repr(asdict(one)): one for one in findings}


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=worlds(), steps=STEPS)
def test_the_plan_of_the_closure_is_the_plan_of_the_whole(
    module_ledger: Ledger, world: dict[str, Any], steps: list[str]
) -> None:
    keep(module_ledger, world)
    found, expected = (planned(module_ledger, world, steps, whole=whole) for whole in (False, True))
    looked_at = {f"{system}:{one}" for system in SYSTEMS for one in world["affected"][system]}
    assert found.changes == expected.changes
    assert found.agreed == expected.agreed
    assert found.status == expected.status
    assert found.matched == expected.matched
    assert {one.id for one in found.retired} <= {one.id for one in expected.retired}
    about = {f"commercetools:{one.commercetools_id}" for one in expected.retired}
    about |= {f"lightspeed:{one.lightspeed_id}" for one in expected.retired}
    mine = {f"commercetools:{one.commercetools_id}" for one in found.retired}
    mine |= {f"lightspeed:{one.lightspeed_id}" for one in found.retired}
    assert about & looked_at <= mine
    for part, whole in ((found.holds, expected.holds), (found.warnings, expected.warnings)):
        assert told(part).keys() <= told(whole).keys()
        concerning = {
            line
            for line, one in told(whole).items()
            if looked_at & {one.subject, str(one.evidence.get("partner", ""))}
        }
        assert concerning <= told(part).keys()


def test_who_shares_nothing_is_not_loaded(module_ledger: Ledger) -> None:
    def person(record: str, mail: str, last: str, **more: Any) -> dict[str, Any]:
        return {
            "record": record,
            "email": mail,
            "first_name": "Ada",
            "last_name": last,
            "gone": False,
            **more,
        }

    world = {
        "sides": {
            "commercetools": [person(f"c{n}", f"{n}@example.org", f"Name{n}") for n in range(9)],
            "lightspeed": [
                person("l1", "1@example.org", "Other"),
                person("l2", "", "Name2"),
                person("l3", "x@example.org", "Third"),
                person("l4", "x@example.org", "Name1"),
            ],
        },
        "links": [("c5", "l3")],
        "decisions": [],
        "affected": {"commercetools": {"c1", "c5"}, "lightspeed": {"l2"}},
    }
    keep(module_ledger, world)
    configured = cast("SyncSettings", SimpleNamespace(customers=settings()))
    found = load_world(module_ledger, configured, TERMS, world["affected"])
    # c5 is linked: nobody of its name matters. c1 and l2 are not, so their namesakes do.
    assert {system: set(side) for system, side in found.sides.items()} == {
        "commercetools": {"c1", "c2", "c5"},
        "lightspeed": {"l1", "l2", "l3", "l4"},
    }
    assert found.linked_pairs() == 1
