"""Which products each offer of a channel may be made of: the members of product selections and stores."""

from __future__ import annotations

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.references import Listings, read_listings
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.inventory import Assortments
from retail_sync.settings.models import SyncSettings

REMEDY = "Correct `offer` in `inventory.channels`."


def offered_selections(settings: SyncSettings) -> tuple[str, ...]:
    """Keys of the selections that offers name, each once."""
    named = (key for channel in settings.inventory.channels for key in channel.offer.product_selections)
    return tuple(dict.fromkeys(named))


def offered_stores(settings: SyncSettings) -> tuple[str, ...]:
    """Keys of the stores that offers name, each once."""
    return tuple(dict.fromkeys(key for c in settings.inventory.channels for key in c.offer.stores))


async def read_assortments(client: CommercetoolsClient, settings: SyncSettings) -> Assortments:
    """The products of every selection and store that an offer names. Raises ConfigurationFault for one that can't be
    read as a list of what is offered: taken for an empty one, it would set everything in its channel to 0."""
    selections, stores = offered_selections(settings), offered_stores(settings)
    listings = await read_listings(client, selections, stores)
    if problems := unusable(listings, selections, stores):
        raise ConfigurationFault(f"{'; '.join(problems)}.", system=SYSTEM, remedy=REMEDY)
    return Assortments(
        selections={key: listings.of_selection(key) for key in selections},
        stores={key: listings.of_store(key) for key in stores},
    )


def unusable(listings: Listings, selections: tuple[str, ...], stores: tuple[str, ...]) -> list[str]:
    """What is wrong with selections and stores of these keys, a sentence each."""
    missing = [f"there is no product selection {key}" for key in selections if key not in listings.selections]
    missing += [f"there is no store {key}" for key in stores if key not in listings.stores]
    return missing + [
        f"product selection {key} lists what is excluded, not what is offered"
        for key in selections
        if key in listings.selections and listings.selections[key].excludes
    ]
