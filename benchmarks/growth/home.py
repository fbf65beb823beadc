"""The filled clusters: a folder with one for each size, which are filled once and used again.

A file beside each cluster says which schema its rows were written under. One of an older schema is brought up to date
as `run` does it, whether that takes seconds or hours; one of a schema that is not this build's past is filled anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.growth import copies, fill
from benchmarks.growth.sizes import BASE, SIZES
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.maintenance.duties import duties
from tasks.store import migrate
from tasks.store.connection import connect
from tasks.store.retention.keep import Keep

ORIGIN = "base"  # the smallest size before its calls are copied: what every size begins from
NOTE = "growth.json"
FORM = 2  # of the rows; another number has every cluster filled anew
APPLIED = "SELECT name, checksum FROM schema_migrations ORDER BY number"
FOR_CRASHES = ("fsync", "full_page_writes", "synchronous_commit")
KEEP_DAYS = 14  # what was listed within a day becomes less with every day


class Home:
    """The folder `path`, whose sizes are `scale` times those of `sizes.SIZES`."""

    def __init__(self, path, scale=1.0, *, log=print):
        self.path, self.scale, self.log = Path(path).absolute(), scale, log

    @contextmanager
    def opened(self, names, *, refill=False):
        """The URL of each size, filled, by its name; the servers run together until the end."""
        self.path.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            with self._lock():
                for name in names:
                    self._provide(name, refill=refill)
                servers = {name: stack.enter_context(EmbeddedPostgres(self.path / name)) for name in names}
            yield {name: server.url() for name, server in servers.items()}

    @contextmanager
    def scratch(self, name=ORIGIN):
        """The URL of a copy for a measurement that changes rows, which is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="growth-") as folder:
            self.copy([name], folder)
            with EmbeddedPostgres(Path(folder) / name) as server:
                yield server.url()

    @contextmanager
    def empty(self, *, has_tables=True):
        """The URL of a new database without rows, and without tables if wanted; it is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="growth-") as folder, EmbeddedPostgres(Path(folder) / "pg") as server:
            if has_tables:
                with connect(server.url(), application_name="growth", autocommit=True) as conn:
                    migrate.apply_migrations(conn)
            yield server.url()

    def copy(self, names, target):
        """Copy the clusters to the folder `target`, for a measurement that changes rows. They must not be in use."""
        target = Path(target).absolute()
        target.mkdir(parents=True, exist_ok=True)
        with self._lock():
            for name in names:
                self._provide(name, refill=False)
                self._duplicate(self.path / name, target / name)

    @contextmanager
    def _lock(self):
        """Two programs do not fill the same folder."""
        with (self.path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _provide(self, name, *, refill):
        note = self._note(name)
        if note is not None and not refill and self._is_current(name, note):
            return
        began_s = time.monotonic()
        if name != ORIGIN:
            self._provide(ORIGIN, refill=refill and name == BASE)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.path / name)
        base = SIZES[BASE].scaled(self.scale)
        if name != ORIGIN:
            self._duplicate(self.path / ORIGIN, self.path / name)
            (self.path / name / NOTE).unlink()  # it is not filled yet
        with (
            EmbeddedPostgres(self.path / name) as server,
            connect(server.url(), application_name="growth", autocommit=True) as conn,
        ):
            with _hasty(conn):
                if name == ORIGIN:
                    migrate.apply_migrations(conn)
                    fill.write(conn, base)
                else:
                    copies.multiply(conn, base, SIZES[name].scaled(self.scale), log=self.log)
            conn.execute("CHECKPOINT")
            self._note_down(name, conn)
        self.log(f"{name} filled in {time.monotonic() - began_s:.0f} s")

    def _is_current(self, name, note):
        """Whether the cluster can be used, after it was brought up to date where that can be."""
        ours = _schema()
        age = datetime.now(UTC) - datetime.fromisoformat(note["filled_at"])
        if (note["form"], note["scale"]) != (FORM, self.scale) or age.days >= KEEP_DAYS:
            return False
        if note["schema"] == ours:
            return True
        if name == ORIGIN or note["schema"] != ours[: len(note["schema"])]:
            return False
        self.log(f"{name} is brought up to date: {', '.join(step for step, _ in ours[len(note['schema']) :])}")
        with (
            EmbeddedPostgres(self.path / name) as server,
            connect(server.url(), application_name="growth", autocommit=True) as conn,
        ):
            migrate.apply_migrations(conn)
            for duty in duties(Keep()):  # what the migrations leave to the background, to its end
                while _step(conn, duty).has_more:
                    pass
            conn.execute("VACUUM (ANALYZE)")
            self._note_down(name, conn, note["filled_at"])
        return True

    def _note(self, name):
        try:
            return json.loads((self.path / name / NOTE).read_text())
        except FileNotFoundError:
            return None

    def _note_down(self, name, conn, filled_at=None):
        schema = [list(row) for row in conn.execute(APPLIED).fetchall()]
        filled_at = filled_at or datetime.now(UTC).isoformat()
        note = {"form": FORM, "scale": self.scale, "schema": schema, "filled_at": filled_at}
        (self.path / name / NOTE).write_text(json.dumps(note))

    @staticmethod
    def _duplicate(source, target):
        if EmbeddedPostgres(source).is_running():
            raise SystemExit(f"a program uses {source}: end it first, for a running server's files cannot be copied")
        subprocess.run([shutil.which("cp"), "-a", "--reflink=auto", str(source), str(target)], check=True)


@contextmanager
def _hasty(conn):
    """Writes do not wait for the disk meanwhile: these rows need not outlive a power cut."""
    for name in FOR_CRASHES:
        conn.execute(f"ALTER SYSTEM SET {name} = off".encode())
    conn.execute("SELECT pg_reload_conf()")
    yield
    for name in FOR_CRASHES:
        conn.execute(f"ALTER SYSTEM RESET {name}".encode())
    conn.execute("SELECT pg_reload_conf()")


def _step(conn, duty):
    with conn.transaction():
        return duty.step(conn)


def _schema():
    """The migrations of this build as they are written down: name and checksum of each."""
    return [[one.name, one.checksum] for one in migrate.bundled_migrations()]
