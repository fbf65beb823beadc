"""Metrics and health over HTTP.

Imports `supervisor.tree`, `status` and what is below them.
"""
