"""What a server says of a connection without TLS: it is yours to mend, unless TLS was tried and broke."""

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ConfigError, DatabaseTransient
from tasks.store import connection

FAILED = 'connection to server at "db", port 5432 failed: '
WANTS_TLS = [
    "FATAL:  SSL required",
    "FATAL:  SSL connection is required. Please specify SSL options and retry.",
    "FATAL:  This RDS Proxy requires TLS connections",
    'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption',
]
BROKE = [
    "SSL SYSCALL error: EOF detected",
    "SSL SYSCALL error: Connection reset by peer",
    "SSL error: unexpected eof while reading",
    "SSL connection has been closed unexpectedly",
]


@pytest.mark.parametrize("words", WANTS_TLS)
def test_a_server_that_lets_nobody_in_without_tls_is_yours_to_mend_and_the_sentence_says_how(words):
    found = connection._meant(psycopg.OperationalError(FAILED + words))
    assert isinstance(found, ConfigError)
    assert str(found).endswith("; put `sslmode=require` into DATABASE_URL")


@given(st.sampled_from(WANTS_TLS), st.sampled_from(BROKE))
def test_a_handshake_that_broke_before_the_try_without_tls_passes(words, broke):
    found = connection._meant(psycopg.OperationalError(f"{FAILED}{broke}\n{FAILED}{words}"))
    assert isinstance(found, DatabaseTransient)


def test_an_address_that_is_refused_with_tls_too_is_not_told_to_use_it():
    words = 'FATAL:  no pg_hba.conf entry for host "h", user "u", database "d", {}encryption'
    found = connection._meant(
        psycopg.OperationalError(f"{FAILED}{words.format('SSL ')}\n{FAILED}{words.format('no ')}")
    )
    assert isinstance(found, ConfigError)
    assert "sslmode" not in str(found)
