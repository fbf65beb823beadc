"""A PostgreSQL that hosts reach over TCP, as one on a machine of its own: killed, it comes back when it is started."""

from __future__ import annotations

import os
import signal
import subprocess

import psycopg

from tasks.embedded_postgres import programs, run_as
from tests.fakes.waiting import wait_until
from tests.fixtures_tls import free_port


class TcpPostgres:
    """A server in `folder` that listens on every address of this machine and lets everybody in.

    With `replica_of` it follows another one, and can be read until it is promoted.
    """

    name = "theirs"

    def __init__(self, folder, *, replica_of=None):
        folder.mkdir()
        self._folder, self._data, self.port = folder, folder / "data", free_port()
        self._who = run_as.choose(folder.stat().st_uid, folder.stat().st_gid)
        if replica_of is None:
            self._run("initdb", "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
            (self._data / "pg_hba.conf").write_text("host all all all trust\nhost replication all all trust\n")
        else:
            self._run("pg_basebackup", "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", replica_of.url(name=""))
        self._process = None
        self.start()
        if replica_of is None:
            with psycopg.connect(self.url(name="postgres"), autocommit=True) as conn:
                conn.execute(f"CREATE DATABASE {self.name}")

    def _run(self, name, *arguments):
        command = self._command(name, *arguments)
        subprocess.run(command, check=True, capture_output=True, env=programs.ENVIRONMENT)

    def _command(self, name, *arguments):
        program = str(programs.find().directory / name)
        return programs.under_identity(self._who, self._folder, [program, "-D", str(self._data), *arguments])

    def url(self, address="127.0.0.1", name=name):
        return f"postgresql://postgres@{address}:{self.port}/{name}?sslmode=disable&gssencmode=disable"

    def start(self):
        given = {
            "listen_addresses": "*", "port": self.port, "unix_socket_directories": "", "max_connections": 200,
            "wal_keep_size": "1GB",
        }  # fmt: skip
        settings = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]

        def answers():
            # One that was killed keeps the data directory until its last process has ended.
            if self._process is None or self._process.poll() is not None:
                with (self._folder / "log").open("ab") as log:
                    command = self._command("postgres", *settings)
                    self._process = subprocess.Popen(command, stdout=log, stderr=log, env=programs.ENVIRONMENT)
            try:
                psycopg.connect(self.url(name="postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                return False
            return True

        wait_until(answers, "a server that answers", explain=(self._folder / "log").read_text)

    def kill(self):
        """End the postmaster at once; the others of its processes end by themselves."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
