"""Maintenance of the database beside the workers: the list of duties in the background, and their steps.

Imports `tasks.store` and what is below it.
"""
