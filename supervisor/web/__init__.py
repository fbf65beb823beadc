"""The page: a web server in a process of its own, which reads what runs and passes orders on.

Imports `supervisor.control`, `queries`, `status` and what is below them.
"""
