"""### Orders

Reads which web orders changed in commercetools, and what became of their sales at the till, and writes what is missing:
an order becomes one sale at the register of its location (or one at each location that serves a part of it), with its
lines, taxes, discounts, shipping, customer and tenders, to the minor unit as the order says; then the order is marked
with the id of its sale. What happens later follows: payment, cancellation, returns, refunds. A sale is never made
twice: its id is computed from the order's and asked for before anything is sent. Which orders, where and as what is in
`orders` of the configuration file; `orders.since` says from which day on. Runs by the schedule (every ten minutes by
default) and at once when the asset `orders_doorbell` is updated.

**The first time:** run `products`, `inventory` and `customers` in full; then trigger this DAG with *Mode: Full* and
*Dry run*: the log of `plan` shows the sales it would make. Then again with *Mode: Full* only. *Changed since* lets a
full run begin at a date.

**What to press when**

| you want | press |
| --- | --- |
| to bring one order across now | trigger with *Only these order numbers or ids* |
| to see what a run would do | trigger with *Dry run* |
| to know whether every order has its sale | trigger `reconcile` |
| to release orders held for a closed register | open the register; they go on by themselves |
| to go on after a failure | mend what the run's note names, then clear the failed task: it goes on where it was |

What can't be written to the minor unit, or has no register, tax or tender, is *held* with what to set. An unknown SKU
does not delay an order: the stand-in article is sold in its place, and reported.
This is an Airflow DAG; its tasks are in `include/retail_sync/pipeline`.
"""

from retail_sync.pipeline.dags.entity import entity_dag

dag = entity_dag("orders", __doc__ or "")
