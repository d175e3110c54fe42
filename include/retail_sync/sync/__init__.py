"""The engine: match, merge, check, plan, apply. Canonical records in, canonical changes out.

It knows records, the ledger and the settings. It must not know Airflow, HTTP or any system's name for a field: an
adapter is whatever shows the face of `retail_sync.records.ports.products`.
"""
