"""The Airflow skin around the engine: one table of entities, one factory, and the steps their tasks take.

This room knows Airflow (connections, params, XCom, retries, notes) and how to put the adapters, the ledger and the
engine together for one task. It decides nothing about records: that is the engine's.

`entities`, `schedules`, `params`, `retrying` and the modules that build DAGs are imported whenever a DAG file is
parsed, so they import neither pandas, HTTP, the ledger nor the engine; steps import those when they run.
"""
