"""The process tree: starts the workers, keeps them running, stops them, and shows what they do.

Imports `tasks` and `ledger`.
"""
