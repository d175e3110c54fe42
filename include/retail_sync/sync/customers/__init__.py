"""The engine for customers: who is who, what flows between them, what waits for a person.

Customers are merged field by field like products, with two differences that shape everything here:

* **Nothing in staging or ledger says who somebody is.** Private fields are keyed digests from the reader on
  (`retail_sync.records.sealing`); they are enough to compare, match and plan. A run that writes reads both customers
  again, makes sure that they still are what the plan saw, and takes the values from there.
* **A wrong pair is worse than none.** A match is unique or it is a hold; a name that does not match keeps the pair
  back for a person; nothing is created while anybody on either side might be the same person.

Each side is compared with *its own* value of when both last agreed, so that what a system spells in its own way, cuts
or blanks out never looks like an edit.

This room must not know any system's field names, HTTP or Airflow, like the rest of the engine.
"""
