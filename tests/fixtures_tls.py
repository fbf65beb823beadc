"""Servers that let nobody in without TLS: a PgBouncer before the tests' server, and a PostgreSQL of Debian's."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from tasks.embedded_postgres import programs, run_as
from tests.fixtures.jobs import eventually

NO_OPENSSL = "the openssl program is not installed (apt-get install openssl)"
NO_SERVER = "no PostgreSQL of Debian's is installed (apt-get install postgresql)"


class Encrypted:
    """A server reached with TLS at 127.0.0.1; `certificate` is the file of whoever vouches for it, which is itself."""

    def __init__(self, port, certificate, user):
        self.port = port
        self.certificate = certificate
        self.user = user

    def url(self, name, **parameters):
        """The database of that name; the parameters are those of the client library, `sslmode` among them."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{name}?{query}"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def certify(folder, name):
    """The key and the certificate of 127.0.0.1, which vouches for itself."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip(NO_OPENSSL)
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    command = [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run([*command, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return key, certificate


@pytest.fixture(scope="session")
def encrypted(pg_server, make_pooler, tmp_path_factory):
    """The tests' server, behind a PgBouncer."""
    key, certificate = certify(tmp_path_factory.mktemp("tls"), "pooler")
    port = free_port()
    make_pooler(
        listen_addr="127.0.0.1",
        listen_port=port,
        client_tls_sslmode="require",
        client_tls_key_file=key,
        client_tls_cert_file=certificate,
    )
    return Encrypted(port, certificate, conninfo.conninfo_to_dict(pg_server.admin_url)["user"])


@pytest.fixture
def encrypted_url(encrypted, database_url):
    """A function that gives the URL of this test's database there."""
    name = conninfo.conninfo_to_dict(database_url)["dbname"]
    return lambda **parameters: encrypted.url(name, **parameters)


@pytest.fixture(scope="session")
def debian_server(tmp_path_factory):
    """A PostgreSQL of the machine's own, whose client programs speak TLS and are as old as it is."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.skip(NO_SERVER)
    folder = tmp_path_factory.mktemp("debian")
    key, certificate = certify(folder, "server")
    data, port = folder / "data", free_port()
    who = run_as.choose(folder.stat().st_uid, folder.stat().st_gid)

    def command(name, *arguments):
        return programs.under_identity(who, folder, [str(found[-1].with_name(name)), "-D", str(data), *arguments])

    made = command("initdb", "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
    subprocess.run(made, check=True, capture_output=True, env=programs.ENVIRONMENT)
    (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n")
    given = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off",
        "ssl": "on", "ssl_key_file": key, "ssl_cert_file": certificate,
    }  # fmt: skip
    settings = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command("postgres", *settings), stdout=log, stderr=log, env=programs.ENVIRONMENT)
    server = Encrypted(port, certificate, "postgres")

    def answers():
        assert process.poll() is None, (folder / "log").read_text()
        try:
            psycopg.connect(server.url("postgres", sslmode="require")).close()
        except psycopg.OperationalError:
            return False
        return True

    try:
        eventually(answers, "a server with TLS answers")
        yield server
    finally:
        process.terminate()
        process.wait()
