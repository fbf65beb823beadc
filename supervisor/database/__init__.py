"""The database of a run: which one it is, kept in service, watched, filled from a back-up.

Imports `supervisor.logs` and what is below it; of `tasks`, the store and the embedded PostgreSQL.
"""
