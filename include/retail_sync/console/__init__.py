"""The console: pages inside Airflow's own UI for the people who run the sync.

Is everything in sync, how old is the data, what is held and why, what would a run do, why does the storefront show 7,
and the buttons for what a person may decide. Pages are rendered on the server, from the ledger, the settings and the
engine's queries; they work without a script, which only adds comfort.

This room must not know Airflow (who a person is and how a run is started comes through `ports`), nor any system's API:
nothing here reads from or writes to commercetools or Lightspeed. What a page changes is a decision in the ledger or a
run that is started; both with the name of the person who asked.
"""
