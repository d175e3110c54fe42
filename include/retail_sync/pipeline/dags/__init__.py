"""The modules that build DAGs, imported whenever a DAG file is parsed: no pandas, no HTTP, no ledger, no engine."""
