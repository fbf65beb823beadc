"""One metered call: reserved, sent, kept, settled.

Imports `tasks.runtime`, `tasks.planning`, `tasks.keepa`, and of `tasks.store` the record of calls.
"""
