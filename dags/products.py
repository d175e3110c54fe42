"""### Products and variants, both ways

Reads what changed in commercetools and in Lightspeed, compares both with the values they last agreed on, writes down
a plan, carries it out, and settles the run. Runs by the schedule in the configuration file (hourly by default) and at
once when the asset `products_doorbell` is updated. A missed slot loses nothing: the cursors in the ledger say where a
run starts.

**The first time:** run `preflight`, then trigger this DAG with *Mode: Full* and *Dry run*. Look at the log of `plan`
and at what is held. Then trigger it again with *Mode: Full* only.

**What to press when**

| you want | press |
| --- | --- |
| to bring one product across now | trigger with its SKUs under *Only these SKUs* |
| to see what a run would do | trigger with *Dry run* |
| to check everything, also what was deleted | trigger with *Mode: Full*: it writes only what differs |
| to write to one system only | trigger with *Direction* |
| to go on after a failure | mend what the run's note names, then clear the failed task: it goes on where it was |

A record that can't be synced is *held* with its reason and what would release it; it is tried again by itself and
never stops the others. `load` is skipped where there is nothing to write. `audit` always runs: it settles what is
settled, and fails where something is left open, so that nothing is lost unseen. This is an Airflow DAG; its tasks are
in `include/retail_sync/pipeline`.
"""

from retail_sync.pipeline.dags.entity import entity_dag

dag = entity_dag("products", __doc__ or "")
