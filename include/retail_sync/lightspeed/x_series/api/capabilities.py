"""What a store of X-Series can do."""

from __future__ import annotations

from retail_sync.records.ports.capabilities import Capabilities

MOST_OPTIONS = 3
"""Variant attributes a family can have (guide "creating variants")."""
CAPABILITIES = Capabilities(whole_products=False, max_options=MOST_OPTIONS)
"""A page of the feed shows the variants that changed, and how many a family takes is not documented."""
