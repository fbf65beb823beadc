"""Why there is no connection stands in front, whatever the client library puts before and behind it."""

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.store.connection_errors import in_short
from tasks.store.sqlstate import translated

GUESS = "\n\tIs the server running on that host and accepting TCP/IP connections?"
REFUSED = 'connection to server at "127.0.0.1", port {port} failed: Connection refused' + GUESS
TOLD = {
    f"connection failed: {REFUSED.format(port=1)}": "Connection refused (127.0.0.1, port 1)",
    f"connection failed: {REFUSED.format(port=2)}\nMultiple connection attempts failed. All failures were:\n"
    f"- host: 'h', port: '1', hostaddr: '127.0.0.1': connection failed: {REFUSED.format(port=1)}\n"
    f"- host: 'h', port: '2', hostaddr: '127.0.0.1': connection failed: {REFUSED.format(port=2)}": (
        "Connection refused (127.0.0.1, port 2; 127.0.0.1, port 1)"
    ),
    'connection is bad: connection to server on socket "/a b/.s.PGSQL.5432" failed: No such file or directory\n\t'
    "Is the server running locally and accepting connections on that socket?": (
        "No such file or directory (socket /a b/.s.PGSQL.5432)"
    ),
    'connection failed: connection to server at "localhost" (127.0.0.1), port 5 failed: FATAL:  password '
    'authentication failed for user "u"': 'password authentication failed for user "u" (localhost, port 5)',
    "consuming input failed: server closed the connection unexpectedly\n\tThis probably means the server terminated "
    "abnormally\n\tbefore or while processing the request.": "server closed the connection unexpectedly",
    "connection timeout expired": "connection timeout expired",
    "failed to resolve host 'h': Name or service not known": "failed to resolve host 'h': Name or service not known",
}


@pytest.mark.parametrize(("text", "short"), TOLD.items(), ids=range(len(TOLD)))
def test_the_reason_comes_first_and_where_behind_it(text, short):
    assert in_short(text) == short
    assert str(translated(psycopg.OperationalError(text))) == f"no connection to the database: {short}"


def test_the_reason_is_seen_on_a_line_of_eighty_columns():
    for text in list(TOLD)[:3]:
        line = f"degraded database since 16:38:16Z: {translated(psycopg.OperationalError(text))}"
        assert in_short(text)[:12] in line[:80]


@given(st.text(max_size=200))
def test_whatever_it_says_no_word_of_a_reason_is_lost(text):
    assert in_short(f"server says: {text}") == " ".join(f"server says: {text}".split())


@given(st.from_regex(r"[a-z][a-z .,]{0,40}[a-z]", fullmatch=True), st.integers(1, 65535))
def test_a_reason_nobody_has_seen_yet_is_told_whole(reason, port):
    text = f'connection failed: connection to server at "::1", port {port} failed: FATAL:  {reason}'
    assert in_short(text) == f"{' '.join(reason.split())} (::1, port {port})"
