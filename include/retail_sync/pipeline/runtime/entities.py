"""The entities that sync, in the order in which a first alignment needs them. One row here is one DAG."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entity:
    """`id` is the DAG's id and the ledger's name; `schedule` names its line in the configuration's `schedules`."""

    id: str
    title: str
    schedule: str
    key_name: str
    """What a person types into `keys`."""
    both_ways: bool = True
    """Whether a run may be limited to one direction."""
    in_order: bool = False
    """Whether commercetools has to be read before Lightspeed (see `retail_sync.sync.inventory`)."""
    decides: bool = False
    """Whether a person may approve or reject what waits for it, with a run."""
    identifies: bool = False
    """Whether what a person decides is who is who, not whether a figure is right."""
    trails: bool = False
    """Whether its windows of commercetools end some seconds behind that system's clock (`trail_seconds`)."""
    dated: bool = False
    """Whether a full run may begin at a date: documents of the past are not needed for those of today."""

    @property
    def doorbell(self) -> str:
        """The asset whose event starts a run at once. It carries nothing: the run reads what the cursors say."""
        return f"{self.id}_doorbell"

    @property
    def synced(self) -> str:
        """The asset that a settled run updates, for DAGs of others to follow."""
        return f"{self.id}_synced"


ENTITIES: tuple[Entity, ...] = (
    Entity(id="products", title="Products and variants", schedule="products", key_name="SKU", trails=True),
    Entity(id="prices", title="Prices", schedule="prices", key_name="SKU", decides=True, trails=True),
    Entity(
        id="inventory",
        title="Inventory",
        schedule="inventory",
        key_name="SKU",
        both_ways=False,
        in_order=True,
    ),
    Entity(
        id="customers",
        title="Customers",
        schedule="customers",
        key_name="customer number or id",
        decides=True,
        identifies=True,
        trails=True,
    ),
    Entity(
        id="orders",
        title="Orders",
        schedule="orders",
        key_name="order number or id",
        both_ways=False,
        dated=True,
    ),
    Entity(
        id="sales",
        title="In-store sales",
        schedule="sales",
        key_name="receipt number or sale id",
        both_ways=False,
        dated=True,
    ),
)

COMMERCETOOLS_POOL = "commercetools_api"
LIGHTSPEED_POOL = "lightspeed_api"
TAG = "retail-sync"
MOST_KEYS = 200
"""Keys of one run. Lightspeed is asked for each alone, for a SKU it does not know twice; an hour has requests for a few
thousand of these questions and for everything else. A full read takes a request for every thousand records."""
LONGEST_KEY = 300
"""Characters. The longest identifiers of either system have 256."""


def entity(entity_id: str) -> Entity:
    """The entity of that id."""
    return next(one for one in ENTITIES if one.id == entity_id)
