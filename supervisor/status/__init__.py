"""What runs, gathered, and written as text or as JSON.

Imports `supervisor.database`, `config`, `report` and `durations`.
"""
