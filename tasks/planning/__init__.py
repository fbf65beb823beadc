"""Pure decisions: which page next, how many, how often, how long.

Imports `tasks.keepa`, `tasks.settings` and `tasks.errors`.
"""
