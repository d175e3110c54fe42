"""A stand-in for Lightspeed Retail X-Series: `/api/1.0/token` and `/api/{version}/...`, spoken over HTTP.

What lives here: the store in memory (`LightspeedStore`), the rules the API applies to what is written into it, and the
routes (`create_app`). It serves the shapes of API 2026-07; 2.0, 2.1, 3.0 and the earlier date versions reach the same
routes.

What it must not know: the package's adapter for this API, canonical records, the engine. It follows the official
descriptions of the API; where those are silent the behaviour is a switch in `StoreOptions`, with its default explained
there.
"""

from sandbox.lightspeed.app import create_app
from sandbox.lightspeed.options import StoreOptions
from sandbox.lightspeed.store import LightspeedStore

__all__ = ["LightspeedStore", "StoreOptions", "create_app"]
