"""The PostgreSQL that comes with the program, without set-up.

Imports `tasks.store`, `tasks.runtime`, `tasks.errors` and the ledger's clock.
"""
