"""The bytes of the mapped file.

Imports `ledger.model`, `types`, `errors`, `process` and `clock`.
"""
