"""What any worker process has.

Imports `tasks.settings`, `tasks.errors` and `ledger`; of `tasks.store` a type.
"""
