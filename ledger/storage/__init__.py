"""The bytes of the mapped file: its layout, its lock, a transaction, and how waiters are woken.

Imports `ledger.model`, `types`, `errors`, `process` and `clock`.
"""
