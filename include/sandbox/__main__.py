"""`python -m sandbox`: both stand-ins with one shop, until they are told to stop.

The first line on stdout is a JSON object with addresses and credentials; it appears once both answer. SIGTERM or
SIGINT ends the program.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from sandbox.faults import Faults
from sandbox.server import SandboxServer

LIGHTSPEED_TOKEN = "lsxs_pt_sandbox"  # noqa: S105 - opens nothing but the stand-in
LIGHTSPEED_CLIENT = ("sandbox-app", "sandbox-app-secret")
LIGHTSPEED_SCOPES = (
    "retailer:read outlets:read registers:read users:read payment_types:read taxes:read taxes:write "
    "products:read products:write products:read:price_books products:write:price_books suppliers:read "
    "suppliers:write inventory:read inventory:write customers:read customers:write sales:read sales:write "
    "consignments:read consignments:write webhooks"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Starts both, says where they are, waits for a signal."""
    wanted = _parser().parse_args(arguments)
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)

    # Imported here, so that `--help` and a bad argument cost nothing.
    from sandbox.commercetools import create_app as commercetools_app
    from sandbox.lightspeed import create_app as lightspeed_app
    from sandbox.shop import SAMPLE_SHOP, ShopError, load_shop
    from sandbox.shop.seed_commercetools import new_commercetools_store
    from sandbox.shop.seed_lightspeed import new_lightspeed_store

    try:
        shop = load_shop(wanted.shop or SAMPLE_SHOP)
        commercetools = new_commercetools_store(shop, seed=wanted.seed, with_orders=wanted.with_orders)
        lightspeed = new_lightspeed_store(shop, seed=wanted.seed, with_orders=wanted.with_orders)
    except ShopError as problem:
        print(problem, file=sys.stderr)
        return 2
    lightspeed.tokens.add_personal(LIGHTSPEED_TOKEN)
    refresh_token = lightspeed.tokens.add_application(*LIGHTSPEED_CLIENT, LIGHTSPEED_SCOPES)

    online = SandboxServer(commercetools_app(commercetools, Faults(wanted.seed)), wanted.commercetools_port)
    till = SandboxServer(lightspeed_app(lightspeed, Faults(wanted.seed)), wanted.lightspeed_port)
    with online, till:
        places = {
            "shop": shop.name,
            "commercetools": {"url": online.url, "auth_url": online.url, **commercetools.credentials()},
            "lightspeed": {
                "url": till.url,
                "domain_prefix": lightspeed.domain_prefix,
                "token": LIGHTSPEED_TOKEN,
                "client_id": LIGHTSPEED_CLIENT[0],
                "client_secret": LIGHTSPEED_CLIENT[1],
                "refresh_token": refresh_token,
            },
        }
        print(json.dumps(places), flush=True)
        stop.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=main.__doc__)
    parser.add_argument("--commercetools-port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--lightspeed-port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--shop", type=Path, default=None, help="shop folder; the sample shop if not given")
    parser.add_argument(
        "--seed", type=int, default=0, help="ids, version steps and faults repeat with the seed"
    )
    parser.add_argument(
        "--with-orders",
        action="store_true",
        help="web orders that are paid, sales, and what the till needs for both",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
