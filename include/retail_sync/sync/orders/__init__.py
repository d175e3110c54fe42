"""Orders: a web order becomes a sale of the till, once, and what happens to it later follows.

An export, not a merge: nothing flows back but the mark, and the states the settings name. `plan_order` is pure: from
one order, what the ledger knows of it and the terms of the till it says what is to be written, or why nothing is. The
modules around it read and write the ledger. No field name of either system is here, no HTTP, no Airflow.
"""
