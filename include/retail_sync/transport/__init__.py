"""HTTP to a named system: time-outs, retries, budgets, redaction and the record of every exchange.

Both adapters speak through this room. It knows httpx and the error tree of `retail_sync.records.errors`; it must not
know any system's paths or fields, the ledger, the configuration file or Airflow. What it needs from them (where
exchanges go, who else spends the same budget, where rotating tokens live) is handed in as small faces.
"""
