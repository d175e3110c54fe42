"""The adapter for Lightspeed Retail, one package a series: `x_series/` today, `r_series/` beside it with the same face.

This room turns the till's wire rows into canonical records and planned writes into the till's requests. `connection.py`
reads what a connection says and picks the series. Field names of Lightspeed appear here and nowhere else.

It must not know the engine, the ledger, Airflow, or the other system.
"""
