"""The table `calls`: a row for each call to the API, its months, and its sums by hour.

Imports `tasks.store.connection` and `quarantine`.
"""
