"""A PostgreSQL that hosts reach over TCP, as one on a machine of its own: killed, it comes back when it is started."""

from __future__ import annotations

import os
import signal
import subprocess

import psycopg

from tasks.embedded_postgres import programs, run_as
from tests.fakes.waiting import wait_until
from tests.fixtures_tls import free_port

NAME = "theirs"


class TcpPostgres:
    """A server in `folder` that listens on every address of this machine and lets everybody in."""

    def __init__(self, folder):
        folder.mkdir()
        self._folder, self._data, self._port = folder, folder / "data", free_port()
        self._who = run_as.choose(folder.stat().st_uid, folder.stat().st_gid)
        made = self._command("initdb", "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        subprocess.run(made, check=True, capture_output=True, env=programs.ENVIRONMENT)
        (self._data / "pg_hba.conf").write_text("host all all all trust\n")
        self._process = None
        self.start()
        with psycopg.connect(self.url(name="postgres"), autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {NAME}")

    def _command(self, name, *arguments):
        program = str(programs.find().directory / name)
        return programs.under_identity(self._who, self._folder, [program, "-D", str(self._data), *arguments])

    def url(self, address="127.0.0.1", name=NAME):
        return f"postgresql://postgres@{address}:{self._port}/{name}?sslmode=disable&gssencmode=disable"

    def start(self):
        given = {"listen_addresses": "*", "port": self._port, "unix_socket_directories": "", "max_connections": 200}
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
        self._process.send_signal(signal.SIGINT)
        self._process.wait()
