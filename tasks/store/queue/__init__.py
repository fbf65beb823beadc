"""The queue of products to fetch.

Imports `tasks.store.connection`, `quarantine` and `tasks.planning`.
"""
