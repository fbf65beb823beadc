"""Metrics and health over HTTP.

Imports `supervisor.tree`, `status` and `report`.
"""
