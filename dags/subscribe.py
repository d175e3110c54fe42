"""### Do both systems tell us of changes?

Compares the webhooks of Lightspeed and the subscription of commercetools with `realtime` in the configuration file,
and mends what differs: creates what is missing, switches on what is switched off, corrects what is ours and different,
deletes what is ours and not wanted any more. What belongs to somebody else is shown and never touched. Running it twice
changes nothing the second time.

The log of `report` and the run's note show one table. The run fails, with what to do, where a system refuses a
registration or says that it can't deliver; until that is mended, the schedules find every change, only later.

| you want | press |
| --- | --- |
| to see what it would do | trigger with *Dry run* |
| to send new secrets after you changed them in a connection | trigger it |
| to take everything back | set `entities: []` in `realtime`, then trigger it |

Runs daily by default (`schedules.subscribe`). This is an Airflow DAG; its tasks are in `include/retail_sync/pipeline`.
"""

from retail_sync.pipeline.dags.subscribe import subscribe_dag

dag = subscribe_dag(__doc__ or "")
