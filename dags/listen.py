"""### What has commercetools told us?

Takes the notifications of commercetools' subscription out of their SQS queue, writes down in the ledger's inbox which
entities they concern, and rings those entities' doorbells: their DAGs run at once. Runs when the triggerer sees
messages in the queue, and every ten minutes whatever was seen.

A message is deleted from the queue only after it is in the inbox, which keeps each event once: a run that dies on the
way loses nothing, and does nothing twice. What a message says is not kept; the entity's own run reads what is true.
Messages that can't be read are counted, named by kind in the log, and deleted.

This DAG is there only where `realtime.commercetools.destination` of the configuration file is an SQS queue. It must not
be paused: then only the schedules of the entities are left. This is an Airflow DAG; its tasks are in
`include/retail_sync/pipeline`.
"""

from retail_sync.pipeline.dags.consume_queue import listen_dag

dag = listen_dag(__doc__ or "")
