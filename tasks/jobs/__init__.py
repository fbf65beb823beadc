"""The two jobs.

Imports everything in `tasks` but `worker`, `embedded_postgres` and `simulator`.
"""
