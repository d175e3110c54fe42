"""### Let go of what is old

Deletes from the ledger what `retention` in the configuration file no longer keeps (exchanges, changes, events; never
an open hold, a link, or anything that says how things are now), and the staged files of old runs. Runs every night by
default (`schedules.housekeeping`). This is an Airflow DAG; its tasks are in `include/retail_sync/pipeline`.
"""

from retail_sync.pipeline.dags.retention import housekeeping_dag

dag = housekeeping_dag(__doc__ or "")
