"""Writing a base price that is a resource of its own (`priceMode` Standalone)."""

from __future__ import annotations

from collections.abc import Mapping

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.writing import StandalonePriceDraft, standalone_price_action, update_body
from retail_sync.commercetools.products.base_price import PriceScope
from retail_sync.commercetools.products.update_actions import StandaloneChange


async def write_standalone(
    client: CommercetoolsClient, change: StandaloneChange, scope: PriceScope, context: Mapping[str, str]
) -> str:
    """Changes the price, or creates it where the variant has none in the base scope; returns the exchange's id.

    Its own version guards it: StaleTarget where somebody changed it since it was read.
    """
    if change.price_id is not None and change.version is not None:
        action = standalone_price_action("changeValue", value=change.price.value, staged=scope.staged)
        body = update_body(change.version, action)
        return (await client.post(f"/standalone-prices/{change.price_id}", body, context=context)).exchange_id
    draft = StandalonePriceDraft(
        sku=change.sku, value=change.price.value, country=change.price.country, channel=change.price.channel
    )
    return (await client.post("/standalone-prices", draft.body(), context=context)).exchange_id
