"""Pure: bodies of the API become typed values, however odd they are.

Imports the item types of `tasks.keepa` only.
"""
