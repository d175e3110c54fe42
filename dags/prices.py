"""### Prices, price books and tax

Reads what changed of prices in commercetools (embedded and standalone) and at the till (the articles' own prices and
price books), compares both list by list with what they last agreed on, writes down a plan, carries it out, and
settles the run. Which list is which, who owns it and how it is rounded is in `prices` of the configuration file; a list
without an owner does not sync. Runs by the schedule (hourly by default) and at once when the asset `prices_doorbell` is
updated.

**The first time:** run `products` in full, then `preflight` (it compares the taxes of both systems), then trigger this
DAG with *Mode: Full* and *Dry run*: the log of `plan` shows every price that would change, and why. Then trigger it
again with *Mode: Full* only.

**What to press when**

| you want | press |
| --- | --- |
| to bring a few prices across now | trigger with *Only these SKUs* |
| to see what a run would do | trigger with *Dry run* |
| to let a price through that changed by more than the guard allows | trigger with its SKU under *Approve these SKUs* |
| to refuse it, until its owner changes it | trigger with its SKU under *Reject these SKUs* |
| to check everything, also what was taken away | trigger with *Mode: Full*: it writes only what differs |
| to go on after a failure | mend what the run's note names, then clear the failed task: it goes on where it was |

A price that can't be converted there and back, that is zero, below what the article costs, or changed by too much is
*held* with both figures. Discounts online and promotions at the till are left alone. After a change of lists or rules,
the next run looks at every article. This is an Airflow DAG; its tasks are in `include/retail_sync/pipeline`.
"""

from retail_sync.pipeline.dags.entity import entity_dag

dag = entity_dag("prices", __doc__ or "")
