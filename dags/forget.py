"""### Forget somebody

Erases a customer from the ledger and the staging store: what was last seen of both profiles, what they were compared
with, holds and their evidence, the requests that were sent for them, and the fields of their audit rows. What stays is
that something was written when, to which id. The run itself is kept in the ledger, with your name and counts, without
saying who it was about.

Give customer numbers or ids (no e-mail addresses: they would stay in what Airflow keeps of this run;
`python -m retail_sync.pipeline.cli.find_customer` finds ids). Both profiles of a linked pair are erased.

**Neither system is changed.** Delete or anonymise the profiles there first, or leave *Keep out* on: then both profiles
take no part in the sync any more, and the reader lets nothing of them in. For that their ids are remembered, and
nothing else; Airflow keeps the ids, too, with this run. This is an Airflow DAG; its tasks are in
`include/retail_sync/pipeline`.
"""

from retail_sync.pipeline.dags.erase_customer import forget_dag

dag = forget_dag(__doc__ or "")
