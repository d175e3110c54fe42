"""### Inventory: what every channel may offer

Reads levels from Lightspeed (whatever moved them: sales, returns, transfers, receiving, counts) and, from
commercetools, entries and the web orders that the till does not know yet; works out by the rules of `inventory` in the
configuration file what each supply channel may offer, and writes the entries that show something else. Nothing flows
back, except to locations that Lightspeed does not own: their levels follow their entries. Runs by the schedule (hourly
by default) and at once when the asset `inventory_doorbell` is updated.

**The first time:** run `products` in full, then trigger this DAG with *Mode: Full* and *Dry run*: the log of `plan`
shows what the storefront would show. Then trigger it again with *Mode: Full* only.

**What to press when**

| you want | press |
| --- | --- |
| to know why a channel shows its figure | *Only these SKUs* and *Dry run*: the log of `plan` explains it |
| to bring a few SKUs up to date now | trigger with *Only these SKUs* |
| to see what the storefront would show | trigger with *Mode: Full* and *Dry run* |
| to check everything, also what was deleted | trigger with *Mode: Full*: it writes only what differs |
| to go on after a failure | mend what the run's note names, then clear the failed task: it goes on where it was |

commercetools is read before Lightspeed, which keeps figures safe while orders and sales go on. During a long full run
whatever moves meanwhile is served along. A figure that can't be known is *held* and its entry is left as it is; unknown
is never zero. A run that would sell out most of the shop writes nothing and says so. This is an Airflow DAG; its tasks
are in `include/retail_sync/pipeline`.
"""

from retail_sync.pipeline.dags.entity import entity_dag

dag = entity_dag("inventory", __doc__ or "")
