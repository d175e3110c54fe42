"""The receiver: webhooks and pushed notifications come in here, and leave as hints in the inbox.

A request is authenticated, then read, then kept, and only then answered 2xx. What can't be kept now is answered 503, so
that its sender comes again. A module a sender (`lightspeed`, `pubsub`, `eventgrid`), and what they share beside them;
`receiver_app` (in `app.py`) puts them together, `Ports` is what it needs from whoever serves it.

This room knows HTTP from the server's side. It must not know Airflow, the engine, how anything is stored or rung for,
or what a record looks like: it believes an event's sender, never its values. It may import records, settings, ledger,
transport, and the two modules that say what a system's events hint at.
"""
