"""The commercetools adapter: HTTP API projections in, update actions out.

This room knows commercetools: its endpoints, wire shapes, error codes and habits. It shows the faces declared in
`retail_sync.records.ports.products` and speaks canonical records there. It must not know Lightspeed, the engine, the
ledger or Airflow; which fields sync where is decided by `retail_sync.settings`.
"""
