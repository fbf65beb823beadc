"""The large tables in partitions by the hash of the ASIN: how a living database gets them.

Imports `tasks.store.connection` and `tasks.store.duties`.
"""
