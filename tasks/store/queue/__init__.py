"""The queue of products to fetch.

Imports `tasks.store.connection`, `row_counts` and `tasks.planning`.
"""
