"""Writes the reference in docs/reference anew, from the code and from the comments of a migrated database."""

import tempfile
from pathlib import Path

from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.store import migrate
from tasks.store.connection import connect
from tests.reference_documents.pages import FOLDER, PAGES, TABLES
from tests.reference_documents.table_page import table_page


def main():
    """Write every page."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder, "pg")) as server,
        connect(server.start("reference"), application_name="reference", autocommit=True) as conn,
    ):
        migrate.apply_migrations(conn)
        (FOLDER / TABLES).write_text(table_page(conn), encoding="utf-8")


if __name__ == "__main__":
    main()
