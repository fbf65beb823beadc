"""The tables and views in PostgreSQL: one file for each, and the connection to them.

What locks rows of several tables in one transaction does so in one order, so that no two wait for each other: walks
(`crawls`), then deals or products, then the queue (`fetch_queue`); and several rows of one table in the order of their
keys. A retry has locked its row of quarantine before: nobody else writes both that and what the row holds.

Imports `tasks.planning`, `tasks.keepa`, `tasks.errors` and `ledger`.
"""
