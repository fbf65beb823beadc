"""Duties in the background: what one is, and how far it has come.

Imports `tasks.store.connection` alone; `tasks.maintenance` has the list of all duties and does their steps.
"""
