"""Opens the database of these settings for a command: starts the embedded server for it when none runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ledger import installation
from supervisor.config import readable
from supervisor.config.environment import forget_client_variables
from supervisor.database import embedded, in_force
from tasks.errors import NoRows
from tasks.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supervisor.config.run_plan import RunPlan
    from tasks.store.connection import Connection

APPLICATION: Final = "sluicegate query"
_PLACE: Final = ("database_url", "state_dir", "keepa_base_url", "keys")
_HAS_DATABASE: Final = "SELECT FROM pg_database WHERE datname = %s"


def query_plan() -> RunPlan:
    """The plan of a run as it is now, for a command that looks at its database or its files.

    Raises:
        ConfigError: the settings that say what the run is cannot be used.
    """
    return in_force.plan_in_force()[0]


def require_place(plan: RunPlan) -> None:
    """Return where the settings that say whose rows and tokens these are stand as somebody meant them.

    Who writes or pays asks for this. A bad file in the folder KEYS changes nothing of the place while another is good.

    Raises:
        UnusableSettings: the name of one of them has a slip, so this may be another database, server or folder.
    """
    readable.require_whole(plan.settings, *_PLACE, *(("keepa_api_key",) if plan.is_synthetic else ()))


@contextmanager
def running_database(plan: RunPlan) -> Iterator[Secret]:
    """The URL of the database; the embedded server is started for it when none runs, and made when there is none.

    Raises:
        ConfigError: the embedded server cannot run here.
        StoreError: the embedded server does not start.
    """
    if plan.database is None:
        yield plan.settings.database_url
        return
    forget_client_variables()
    plan.state.make()
    server = embedded.server_of(plan)
    try:
        yield Secret(server.start(plan.database))
    finally:
        server.stop()


@contextmanager
def query_connection(plan: RunPlan, *, writes: bool = False) -> Iterator[Connection]:
    """A connection to the database, which must exist and have the schema of this build.

    The embedded server is started when none runs, and nothing is ever made. Without `writes` it is inside one
    transaction that can change nothing, so that a report is of one moment; with `writes` the caller opens transactions,
    because what the program relies on holds in these alone (`tasks.store.connection`).

    Raises:
        NoRows: there is no database yet.
        ConfigError: the database cannot be reached with these settings; or, with `writes`, it may be one that nobody
            meant (`require_place`).
        StoreError: it does not answer, or its schema is another one.
    """
    from psycopg import IsolationLevel

    from tasks.store import migrate
    from tasks.store.connection import connect
    from tasks.store.sqlstate import translate

    if writes:
        require_place(plan)
    with _existing_database(plan) as url, connect(url.reveal(), application_name=APPLICATION, autocommit=True) as conn:
        migrate.check(conn)
        if writes:
            with translate():
                yield conn
            return
        conn.read_only = True
        conn.isolation_level = IsolationLevel.REPEATABLE_READ
        with translate(), conn.transaction():
            yield conn


@contextmanager
def _existing_database(plan: RunPlan) -> Iterator[Secret]:
    if plan.database is None:
        yield plan.settings.database_url
        return
    from tasks.embedded_postgres import cluster
    from tasks.store.connection import connect

    no_rows = NoRows(
        f"there is no database `{plan.database}` in {plan.state.root} yet: {installation.command('run')} makes and "
        "fills it"
    )
    if not (plan.state.postgres / cluster.DATA).is_dir():
        raise no_rows
    forget_client_variables()
    server = embedded.server_of(plan)
    try:
        admin = server.start(cluster.SUPERUSER)
        with connect(admin, application_name=APPLICATION, autocommit=True) as conn:
            exists = conn.execute(_HAS_DATABASE, (plan.database,)).rowcount == 1
        if not exists:
            raise no_rows
        yield Secret(server.url(plan.database))
    finally:
        server.stop()
