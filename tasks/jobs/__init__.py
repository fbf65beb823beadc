"""The two jobs, upsert and backfill, a small step at a time.

Imports everything in `tasks` but `worker`, `embedded_postgres` and `simulator`.
"""
