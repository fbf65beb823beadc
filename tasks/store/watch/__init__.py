"""People's own lists of products, and when each of their products is due.

Imports `tasks.store.connection`, `tasks.store.queue` and `tasks.planning`.
"""
