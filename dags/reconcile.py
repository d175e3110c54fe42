"""### What differs between the two systems?

Reads both sides in full, entity by entity, compares them by the same rules as the sync, and reports what differs:
products by field, with both values and whose value counts; stock by channel and by the locations behind each figure.
Also finds records that vanished from one side. Nothing is written.

* The log of `drift` shows the first differences, its XCom the counts, and the staged file it names the whole list.
* With **Repair** on, each entity that differs is run in full afterwards by its own DAG, which writes what differs.

Runs once a week by default (`schedules.reconcile`). This is an Airflow DAG; its tasks are in
`include/retail_sync/pipeline`.
"""

from retail_sync.pipeline.dags.reconcile import reconcile_dag

dag = reconcile_dag(__doc__ or "")
