"""Canonical records: what a product is, whichever system it came from.

This room owns the words every other room speaks: columns and their types, how values are made equal before they
are compared, validation rules, the faces an adapter shows, and the tree of errors grouped by what to do about them.

It must not know any system's field names, any configuration file, HTTP, the ledger or Airflow.
"""
