"""Commands that ask the database: what was gathered, what it cost, what was set aside.

Imports `supervisor.config`, `database` and `durations`, `ledger`, and of `tasks` the store and what writes into it.
"""
