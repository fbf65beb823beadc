"""Pure: queries in, objects out.

Imports `tasks.simulator.market`.
"""
