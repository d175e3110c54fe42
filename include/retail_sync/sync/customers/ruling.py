"""What people decided about who is who, kept as decisions about pairs and profiles.

A line is `online id = till id` for a pair, or one id for a profile. Approved, a pair is one person and a profile a
person of its own; rejected, a pair is never one, and a profile takes no part. Ids only: an e-mail address would stay
for ever in what Airflow keeps of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from retail_sync.ledger.decisions import Decision, Verdict
from retail_sync.ledger.ledger import Ledger
from retail_sync.records.customers import ENTITY, KIND
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.records.refs import RecordRef
from retail_sync.sync.customers.world import Ruling
from retail_sync.sync.engine.staging import Staging

IDENTITY = "identity"
"""The code under which these decisions are kept; `field` holds the till id of a pair."""
SIGN = "="
FORGOTTEN = "forgotten"
"""The note of a decision that keeps somebody out who was erased."""


def ruling_of(decisions: Iterable[Decision]) -> Ruling:
    """The latest decisions as sets. A profile decided anew is what it was decided last."""
    pairs: dict[str, set[tuple[str, str]]] = {"approve": set(), "reject": set()}
    profiles: dict[str, set[str]] = {"approve": set(), "reject": set()}
    for one in decisions:
        if one.code != IDENTITY:
            continue
        if one.field:
            pairs[one.verdict].add((RecordRef.parse(one.subject).id, one.field))
        else:
            profiles[one.verdict].add(one.subject)
    return Ruling(
        same=frozenset(pairs["approve"]),
        apart=frozenset(pairs["reject"]),
        own=frozenset(profiles["approve"]),
        out=frozenset(profiles["reject"]),
    )


def forgotten_of(decisions: Iterable[Decision]) -> frozenset[str]:
    """Subjects who were erased and are not to be read again."""
    return frozenset(
        one.subject
        for one in decisions
        if one.code == IDENTITY and not one.field and one.verdict == "reject" and one.note == FORGOTTEN
    )


def decide_by_hand(
    ledger: Ledger,
    staging: Staging,
    *,
    approved: Sequence[str],
    rejected: Sequence[str],
    by: str,
) -> list[Decision]:
    """Keep what a person decided with this run. Raises ConfigurationFault for a line that names nobody, or that
    stands in both lists; then nothing is kept."""
    both = sorted(set(approved) & set(rejected))
    if both:
        raise ConfigurationFault(
            f"Both approved and rejected: {', '.join(both)}.", remedy="Trigger the run with each in one list."
        )
    given: list[tuple[Verdict, str]] = [("approve", line) for line in approved]
    given += [("reject", line) for line in rejected]
    if not given:
        return []
    ids: dict[str, set[str]] = {
        system: _ids(ledger, system, given) | {str(one) for one in staged_ids(staging, system)}
        for system in SYSTEMS
    }
    found = [_decision(verdict, line, ids, by, staging.run_id) for verdict, line in given]
    ledger.decisions.add(ENTITY, found)
    return found


def staged_ids(staging: Staging, system: str) -> Collection[str]:
    """Ids that this run read of a system."""
    return list(staging.read_table(f"{system}/customers")["id"])


def keys_of(lines: Iterable[str]) -> list[str]:
    """The ids in lines of decisions: those are whom the run looks at."""
    return list(dict.fromkeys(part.strip() for line in lines for part in line.split(SIGN) if part.strip()))


def refuse_addresses(keys: Iterable[str]) -> None:
    """Raises ConfigurationFault where a key is an e-mail address; the message does not repeat it."""
    if any("@" in key for key in keys):
        raise ConfigurationFault(
            "One of the keys is an e-mail address, which Airflow would keep with the run.",
            remedy="Use the customer's number or id: `python -m retail_sync.pipeline.cli.find_customer` finds it by "
            "e-mail. Then delete this run in Airflow, which still holds the address.",
        )


def _ids(ledger: Ledger, system: str, given: Sequence[tuple[Verdict, str]]) -> set[str]:
    wanted = keys_of(line for _, line in given)
    decided = [RecordRef.parse(one.subject) for one in ledger.decisions.latest(ENTITY)]
    known = {row.id for row in ledger.mirror.read(ENTITY, KIND, system, ids=wanted)}
    return known | {one.id for one in decided if one.system == system}


def _decision(
    verdict: Verdict, line: str, known: Mapping[str, Collection[str]], by: str, run_id: str
) -> Decision:
    parts = [part.strip() for part in line.split(SIGN)]
    if len(parts) == 2:
        online, till = parts if parts[0] in known["commercetools"] else reversed(parts)
        if online in known["commercetools"] and till in known["lightspeed"]:
            return _kept(verdict, f"commercetools:{online}", till, by, run_id)
    elif len(parts) == 1:
        for system in SYSTEMS:
            if parts[0] in known[system]:
                return _kept(verdict, f"{system}:{parts[0]}", "", by, run_id)
    raise ConfigurationFault(
        f"{line!r} names no customers that were ever read.",
        remedy="Give `online id = till id` for two profiles, or one id; both are in the evidence of the hold.",
    )


def _kept(verdict: Verdict, subject: str, field: str, by: str, run_id: str) -> Decision:
    return Decision(
        subject=subject, code=IDENTITY, field=field, verdict=verdict, about="identity", by=by, run_id=run_id
    )
