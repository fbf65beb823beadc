"""The PostgreSQL that comes with the program, without set-up.

Why a manager of our own: the Python code of the wheel that brings the programs makes users and widens the rights of
parent directories when it runs as root, and believes any live pid that it finds in an old pid file. The managers for
tests end their server with the process that started it; ours lives as long as any process that uses it, and no longer,
however those processes end.

Imports `tasks.store`, `tasks.runtime`, `tasks.errors` and the ledger's clock.
"""
