"""Sales: an in-store sale of a linked customer becomes an order, or an entry, of the online profile.

An export, not a merge: nothing flows back. `plan_sale` is pure; the modules around it read and write the ledger. No
field name of either system is here, no HTTP, no Airflow.
"""
