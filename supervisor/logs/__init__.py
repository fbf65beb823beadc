"""The log of a run: its own lines and those of its workers, as JSON or as sentences.

Imports `supervisor.report`, `process` and `eventloop`, `ledger`, and of `tasks` the log of a worker.
"""
