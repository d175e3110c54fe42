"""The prices engine: what each price list shows in one system, and what the other one is to show.

A price list is a place online (currency, country, channel, customer group) and a place at the till (an article's own
price, or a price book), an owner and rules. Articles are the pairs that the products entity has linked.

* **Quotes.** What stands in a place is a `Quote`: an amount with quantity steps, on the side of tax that the place
  keeps. No quote and an unknown one are different things (`quotes`).
* **Converting** (`converting`). A quote of one place becomes the quote that the other place should show: tax, markup,
  exchange, rounding, tax again, exact decimals throughout. Without a rounding, there and back has to be the identity.
* **Deciding** (`deciding`). Each side is compared with *its own* last agreed quote, and both with what the owner's
  quote comes to today. So a price that the till prints with other digits than it was sent never travels back, and
  nothing flaps: what both sides showed when they agreed is what counts as unmoved.
* **Checking** (`checking`). Rules keep back what looks wrong; a jump waits for a person
  (`retail_sync.ledger.decisions`).
* **Writing** (`applying`). Only what the plan says, at the version it saw; where the target moved, or an answer is
  missing, it is read again and decided anew. A price book is read back after each write, and what it shows is what
  was agreed.

This package must not know HTTP, Airflow, or the name of any field of either system.
"""
