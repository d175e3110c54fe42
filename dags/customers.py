"""### Customers

Reads which customers changed in commercetools and at the till, finds out who is who (by link, external id, loyalty
number, customer number, e-mail, phone and name; uniquely, or not at all), compares each pair field by field with what
both last agreed on, writes down a plan, carries it out, and settles the run. Whose value counts is in
`customers.fields` of the configuration file; a field without an owner does not sync. Runs by the schedule (hourly by
default) and at once when the asset `customers_doorbell` is updated.

**Private fields** (names, addresses, numbers; `customers.hash`) are keyed digests as soon as they are read: neither
staging nor ledger, log or UI says who somebody is. A run that writes reads the customers it writes once more.

**The first time:** trigger this DAG with *Mode: Full* and *Dry run*; the log of `plan` shows who would be created and
changed, and who waits for a person. Then trigger it again with *Mode: Full* only.

**What to press when**

| you want | press |
| --- | --- |
| to bring one customer across now | trigger with *Only these customer numbers or ids* (no e-mail addresses) |
| to find somebody's ids by e-mail | `python -m retail_sync.pipeline.cli.find_customer` on a worker; it asks for the
address | | to see what a run would do | trigger with *Dry run* |
| to say that two profiles are one person | `online id = till id` under *One person, or a person of its own* |
| to let somebody be created who looks like others | the same, with that one id |
| to say that two profiles are two people | `online id = till id` under *Two people, or not ours* |
| to keep a profile out of the sync | the same, with that one id |
| to erase somebody from the ledger | the DAG `forget` |
| to go on after a failure | mend what the run's note names, then clear the failed task: it goes on where it was |

Who could be several people, bears the same identifier under another name, or looks like somebody who is there
already, is *held* with the evidence: the ids of all profiles, and in what they are alike. Nothing is created meanwhile.
This is an Airflow DAG; its tasks are in `include/retail_sync/pipeline`.
"""

from retail_sync.pipeline.dags.entity import entity_dag

dag = entity_dag("customers", __doc__ or "")
