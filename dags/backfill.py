"""### Align everything

Runs every entity in full, one after the other, in the order in which they depend on each other. Each runs in its own
DAG (which must not be paused), so nothing is ever written by two runs at once. **Dry run** is on by default: look at
the plans and at what is held, then trigger it again without.

A full run writes only what differs; running it again writes nothing. This is an Airflow DAG; its tasks are in
`include/retail_sync/pipeline`.
"""

from retail_sync.pipeline.dags.backfill import backfill_dag

dag = backfill_dag(__doc__ or "")
