"""The bytes of the mapped file: its layout, its lock, a transaction, and how waiters are woken.

Why a file and `flock`: the file outlives every process, so a dump works after a crash and nobody has to run a server;
mapped, it is changed in microseconds. The kernel drops the lock when its holder dies. A lock in shared memory would
outlive a killed holder, and one of fcntl(2) is lost when its process closes any descriptor of the file. A table in the
database would do as well, but calls go on for a while when the database is unavailable.

Imports `ledger.model`, `types`, `errors`, `process` and `clock`.
"""
