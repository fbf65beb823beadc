"""Pure decisions: which page next, how many, how often, how long.

Imports `tasks.keepa`, `tasks.settings`, `tasks.errors` and values of `ledger`.
"""
