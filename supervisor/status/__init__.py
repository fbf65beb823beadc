"""What runs, gathered, and written as text or as JSON.

Imports `supervisor.database` and what is below it.
"""
