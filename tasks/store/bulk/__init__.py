"""Rows by binary COPY: arrays, byte planes, staging tables, replacing what is there.

Imports `tasks.store.connection` and `sqlstate`, and `tasks.errors`.
"""
