"""Pure: which deals are wanted, as the deals page of Keepa exports it, and every check of it.

Imports `tasks.errors` and `tasks.keepa.locales`.
"""
