"""The checks of `sluicegate doctor`.

Imports `supervisor.database`, `config`, `report` and `durations`.
"""
