"""Pure: bodies of the API become typed values, however odd they are.

Imports the types of `tasks.keepa` and `tasks.errors` only.
"""
