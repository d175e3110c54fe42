"""Stand-ins for commercetools and Lightspeed Retail that speak HTTP, for people without accounts and for tests.

What lives here: one FastAPI app a system (`commercetools/`, `lightspeed/`), a sample shop (`shop/`), a clock
that can be set, faults that can be ordered from a seed, and a server that runs an app on a free local port.

What it must not know: anything of the package it stands beside. No adapter, engine, ledger or Airflow import; it
behaves as the official API descriptions say, not as our client would like. Nothing outside `sandbox/`, the tests
and the demo knows that it exists.
"""
