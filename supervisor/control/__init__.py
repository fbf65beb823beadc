"""The control socket.

Imports `supervisor.tree`, `process`, `config` and `eventloop`.
"""
