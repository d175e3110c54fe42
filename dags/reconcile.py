"""### What differs between the two systems?

Reads both sides in full, compares them by the same rules as the sync, and reports what differs: by field, with both
values and whose value counts. Also finds records that vanished from one side. No product is written.

* The log of `drift` shows the first fields, its XCom the counts, and the staged file it names the whole list.
* With **Repair** on, `products` is run in full afterwards, which writes what differs; only where something does.

Runs once a week by default (`schedules.reconcile`). This is an Airflow DAG; its tasks are in `include/pipeline`.
"""

from include.pipeline.reconcile import reconcile_dag

dag = reconcile_dag(__doc__ or "")
