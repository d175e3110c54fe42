"""### In-store sales

Reads which sales changed at the till and shows those of customers who have an online profile there: as imported orders,
or as entries of a container, as `sales` in the configuration file says. Returns and voids follow. A sale whose customer
is linked later catches up by itself; anonymous sales come along only if the settings say so. Nothing is written twice,
and what is written here is never exported back to the till. Runs by the schedule (hourly by default) and at once when
the asset `sales_doorbell` is updated.

**The first time:** run `products` and `customers` in full; then trigger this DAG with *Mode: Full* and *Dry run*; the
log of `plan` shows what it would write. Then again with *Mode: Full* only. *Changed since* lets a full run begin at a
date.

**What to press when**

| you want | press |
| --- | --- |
| to bring one sale across now | trigger with *Only these receipt numbers or sale ids* |
| to see what a run would do | trigger with *Dry run* |
| to go on after a failure | mend what the run's note names, then clear the failed task: it goes on where it was |

This is an Airflow DAG; its tasks are in `include/retail_sync/pipeline`.
"""

from retail_sync.pipeline.dags.entity import entity_dag

dag = entity_dag("sales", __doc__ or "")
