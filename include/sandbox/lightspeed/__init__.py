"""A stand-in for Lightspeed Retail X-Series: `/api/1.0/token` and `/api/{version}/...`, spoken over HTTP.

What lives here, from below: the tables of a shop (`state`), the rules the API applies to what is written into them,
what people do in the shop (`shop_actions`), the store that puts these together (`LightspeedStore`), and the routes
(`create_app`), most of them made from the table in `entities`. It serves the shapes of API 2026-07; 2.0, 2.1, 3.0 and
the earlier date versions reach the same routes.

What it must not know: the package's adapter for this API, canonical records, the engine. It follows the official
descriptions of the API; where those are silent the behaviour is a switch in `StoreOptions`, with its default explained
there.
"""

from sandbox.lightspeed.app import create_app
from sandbox.lightspeed.options import StoreOptions
from sandbox.lightspeed.store import LightspeedStore

__all__ = ["LightspeedStore", "StoreOptions", "create_app"]
