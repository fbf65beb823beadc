"""One loop for descriptors, deadlines and work in the background.

Imports the ledger's clock and errors, and `tasks.errors`.
"""
