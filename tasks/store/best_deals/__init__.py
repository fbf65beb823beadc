"""The best of the current deals: what bounds a deal, which deals are looked at, and which are the best.

Imports `tasks.store.connection` and `tasks.keepa`.
"""
