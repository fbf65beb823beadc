"""All children of one run.

Imports `supervisor.database`, `logs`, `report`, `process`, `config` and `eventloop`.
"""
