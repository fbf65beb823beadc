"""Replies become rows, one transaction each.

Imports `tasks.calls`, `runtime`, `store`, `planning` and `keepa`.
"""
