"""The log of a run.

Imports `supervisor.report`, `process` and `tasks.runtime.log`.
"""
