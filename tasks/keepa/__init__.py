"""The Keepa HTTP API: requests as values, one client, typed bodies. Whether a call is made is decided elsewhere.

Imports `tasks.errors`, `tasks.redaction`, `tasks.settings` and `ledger`; it knows no budget and no SQL.
"""
