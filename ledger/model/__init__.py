"""Pure functions of a `Book` and a time.

Imports `ledger.types` and `ledger.errors` only.
"""
