"""The settings that people make, and the state directory.

Imports `tasks` and `ledger` only.
"""
