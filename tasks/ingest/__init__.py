"""Replies become rows, one transaction each.

Imports `tasks.calls` and what is below it.
"""
