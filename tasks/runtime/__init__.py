"""What any worker process has: its heartbeat, its log, its lifeline, its stop flag.

Imports `tasks.settings`, `tasks.errors` and `ledger`; of `tasks.store` a type.
"""
