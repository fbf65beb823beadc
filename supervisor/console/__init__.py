"""The terminal of `run`: the live view, a line a minute, and the thread that writes.

Imports `supervisor.tree`, `status` and what is below them.
"""
