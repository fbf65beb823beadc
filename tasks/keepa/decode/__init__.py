"""Pure: bodies of the API become typed values, however odd they are.

Imports the types of `tasks.keepa`, `tasks.errors` and the ledger's values.
"""
