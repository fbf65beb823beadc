"""All children of one run: started, counted, replaced and stopped together.

Imports `supervisor.database` and what is below it.
"""
