"""The work: calls of the API under the budget, their replies into rows, and the process that does one job.

Imports `ledger`, and nothing of `supervisor`.
"""
