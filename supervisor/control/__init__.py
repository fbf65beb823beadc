"""Orders to a run that goes on, over the control socket.

Imports `supervisor.tree` and what is below it.
"""
