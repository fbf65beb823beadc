"""The log of a run: its own lines and those of its workers, as JSON or as sentences.

Imports `supervisor.report`, `process`, `eventloop` and `durations`, and of `tasks` the log of a worker.
"""
