"""A PostgreSQL server of our own, without set-up.

Imports `tasks.store`, `tasks.runtime`, `tasks.errors` and the ledger's clock.
"""
