"""What people set, and where things lie.

Imports `tasks` and `ledger` only.
"""
