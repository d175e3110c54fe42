"""The machine-local runtime of the demo and the tests: embedded PostgreSQL, Airflow processes, ports.

Everything here starts, watches and stops child processes on the machine it runs on, and writes below one folder
(`.runtime/` of the checkout, or a temporary folder in tests). It must not know how records are synced. Nothing in
production imports it: there, PostgreSQL and Airflow are the operator's own.
"""
