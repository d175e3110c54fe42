"""Find a customer's ids by e-mail address: `python -m retail_sync.pipeline.cli.find_customer`.

The address is asked for, not given as an argument, so that it stays out of the shell's history and the list of
processes. Nothing is stored, and neither system is asked: the ledger recognises the address by its digest.
"""

from __future__ import annotations

import getpass
import sys

from retail_sync.ledger.ledger import Ledger
from retail_sync.pipeline.runtime.secrets import seal_of
from retail_sync.records.customers import ENTITY, KIND
from retail_sync.records.people import email_text, is_readable
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.settings.loader import load_settings
from retail_sync.sync.customers.known import load_side
from retail_sync.sync.engine.closure import key


def lines_about(ledger: Ledger, digests: set[str]) -> list[str]:
    """What the ledger knows of everybody who bears an address with one of these digests: id, number, link, holds."""
    found: list[str] = []
    holds = {hold.subject: hold for hold in ledger.holds.open_holds(ENTITY)}
    bearers = ledger.mirror.bearers(ENTITY, KIND, [key("email", digest) for digest in digests])
    for system in SYSTEMS:
        for one in load_side(ledger, system, bearers.get(system, ())).values():
            links = ledger.links.read(
                ENTITY,
                KIND,
                **{f"{system}_ids": [one.id]},  # type: ignore[arg-type]
            )
            state = "linked" if links else "not linked"
            hold = holds.get(one.subject)
            held = f", held: {hold.code}" if hold else ""
            gone = ", deleted" if not one.lives else ""
            found.append(f"{system:13} {one.id}  number {one.label}  {state}{held}{gone}")
    return found


def main() -> int:
    """Ask for an address, and print who bears it."""
    email = email_text(getpass.getpass("E-mail address (not shown): "))
    if not is_readable(email):
        print("That is no e-mail address.", file=sys.stderr)
        return 2
    with Ledger.open() as ledger:
        seal = seal_of(ledger, load_settings())
        digests = set(seal.tokens({"email": email}).get("email", ()))
        found = lines_about(ledger, digests)
    print("\n".join(found) or "The ledger knows nobody with this address.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
