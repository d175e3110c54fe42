"""### Is everything ready?

Run this first, and after every change to a connection, to the configuration file or to this package. It

1. brings the ledger's tables up to date (nothing else does this),
2. reads the configuration file, the ledger and the staging store,
3. looks at both systems: connection, scopes, catalogue model, and whether every name the configuration maps exists,
4. prints one table with what was found and what to do, and fails where a run could not work.

Nothing anybody sells is written: only the custom object `retail-sync/clock` in commercetools, from which the server's
time is read. Its result (`report`, XCom) holds the findings. It can run by itself: `schedules.preflight` in the
configuration file. This is an Airflow DAG; its checks are in `include/retail_sync/pipeline`.

The pools `commercetools_api` and `lightspeed_api` must exist too (Admin, Pools; `airflow_settings.yaml` has them):
tasks of a pool that doesn't exist wait for ever.
"""

from retail_sync.pipeline.dags.preflight import preflight_dag

dag = preflight_dag(__doc__ or "")
