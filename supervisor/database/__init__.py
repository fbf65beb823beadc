"""The database of a run.

Imports `supervisor.config`, `process`, `report`, `logs` and `eventloop`.
"""
