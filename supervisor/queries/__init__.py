"""Commands that ask the database: what was gathered, what it cost, what is in quarantine.

Imports `supervisor.config` and `database`, `ledger`, and of `tasks` the store and what writes into it.
"""
