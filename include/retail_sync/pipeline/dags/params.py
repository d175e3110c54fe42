"""The trigger form of an entity's DAG."""

from __future__ import annotations

from airflow.sdk import Param

from retail_sync.pipeline.runtime.entities import LONGEST_KEY, MOST_KEYS, Entity

WHAT = "What to read"
HOW = "What to write"
DECIDE = "What waits for a person"
KEY = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY}
"""The form of a key."""


def entity_params(entity: Entity) -> dict[str, Param]:
    """Typed, in sections, each with a sentence for the person at the form."""
    params = {
        "mode": Param(
            "delta",
            type="string",
            enum=["delta", "full"],
            values_display={"delta": "Delta: what changed since the last run", "full": "Full: everything"},
            title="Mode",
            description="The first run must be full; afterwards delta is enough. A full run also finds what was "
            "deleted, and writes only what differs.",
            section=WHAT,
        ),
        "since": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="Changed since",
            description="Delta only: look further back than the last run did. Never skips anything: a later time than "
            "the last run's has no effect."
            if not entity.dated
            else "Delta: look further back than the last run did; a later time has no effect. Full: begin here; "
            "what is older is not looked at.",
            section=WHAT,
        ),
        "keys": Param(
            [],
            type="array",
            items=KEY,
            maxItems=MOST_KEYS,
            title=f"Only these {entity.key_name}s",
            description=f"One {entity.key_name} a line. Only what holds one of them is read and written, whatever the "
            "mode; the next run starts where it would have started anyway.",
            section=WHAT,
        ),
        "dry_run": Param(
            False,
            type="boolean",
            title="Dry run",
            description="Make the plan and write nothing. The plan's counts are in the log of `plan`, every "
            "change is in the ledger.",
            section=HOW,
        ),
    }
    params["plan"] = Param(
        None,
        type=["null", "string"],
        title="Apply the plan of a dry run",
        description="The id of a dry run as the console shows it. Its plan is made again and, if it is still the same, "
        "written; otherwise nothing is written and the run fails. Leave everything else as it is: what to read and "
        "write is the dry run's.",
        section=HOW,
    )
    if entity.both_ways:
        params["direction"] = _direction()
    if entity.decides:
        params |= {verdict: _decision(verdict, entity) for verdict in ("approve", "reject")}
    return params


def _decision(verdict: str, entity: Entity) -> Param:
    if entity.identifies:
        return _identity(verdict)
    outcome = {
        "approve": "They are written by this run, with the figures they were held with.",
        "reject": "They stay held until they change in the system that owns them.",
    }
    return Param(
        [],
        type="array",
        items=KEY,
        maxItems=MOST_KEYS,
        title=f"{verdict.capitalize()} these {entity.key_name}s",
        description=f"One {entity.key_name} a line, whose change was held because it is so large. {outcome[verdict]} "
        "The decision is kept with your name. The run looks at these only.",
        section=DECIDE,
    )


def _identity(verdict: str) -> Param:
    meaning = {
        "approve": "A pair `online id = till id` is one person from now on; one id alone is a person of its own, and "
        "is created though others look alike.",
        "reject": "A pair `online id = till id` is never one person; one id alone takes no part any more.",
    }
    return Param(
        [],
        type="array",
        items=KEY,
        maxItems=MOST_KEYS,
        title={"approve": "One person, or a person of its own", "reject": "Two people, or not ours"}[verdict],
        description=f"One line each. {meaning[verdict]} The ids are in the evidence of the hold. Ids only: an e-mail "
        "address would stay in what Airflow keeps of the run. The decision is kept with your name. The run looks at "
        "these only.",
        section=DECIDE,
    )


def _direction() -> Param:
    return Param(
        "both",
        type="string",
        enum=["both", "to_lightspeed", "to_commercetools"],
        values_display={
            "both": "Both ways",
            "to_lightspeed": "Only to Lightspeed",
            "to_commercetools": "Only to commercetools",
        },
        title="Direction",
        description="Limit which system is written. What is left out is planned again by the next run.",
        section=HOW,
    )
