"""The commands about selections: what they ask for, what a page of one shows, new ones, examples.

Imports `supervisor.database`, `supervisor.config` and the API client.
"""
