"""The checks of `sluicegate doctor`.

Imports `supervisor.database` and what is below it.
"""
