"""What commercetools can do."""

from __future__ import annotations

from retail_sync.records.ports.capabilities import Capabilities

CAPABILITIES = Capabilities(whole_products=True, max_variants=100)
"""100 variants a product are documented (API reference, "limits")."""
