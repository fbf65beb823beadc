"""The terminal of `run`.

Imports `supervisor.tree`, `status`, `database` and `report`.
"""
