"""The ledger of a key that several hosts share: one row of the database, changed under its lock.

A change takes two messages: one begins it and brings the book and the time, one writes the book and commits. All that
decides is in `ledger/model`; here are the line to the server, the clock of the server, and what a lost line means.
Imports `ledger`, `tasks.errors` and `tasks.store.connection`.
"""
