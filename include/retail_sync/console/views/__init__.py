"""What pages show: modules that turn what the ledger and the engine give into values that templates only lay out.

No HTML here, and no query of its own where `ledger.queries` or `sync.queries` has one. What codes are called is in
`vocabulary`.
"""
