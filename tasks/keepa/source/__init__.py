"""Sources of products besides selections, each a file beside them, and every check of it. Pure.

Imports `tasks.keepa.request` and `tasks.keepa.locales`.
"""
