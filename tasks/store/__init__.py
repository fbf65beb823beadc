"""The tables and views in PostgreSQL: one file for each, and the connection to them.

Imports `tasks.planning`, `tasks.keepa`, `tasks.errors` and `ledger`.
"""
