"""Settings go to a worker and come out the same; their secrets show nowhere else."""

import copy
import json
import pickle

import msgspec
import pytest

from tasks import settings
from tasks.errors import ConfigError
from tasks.keepa import detail
from tasks.secret import Secret
from tasks.settings import SelectionSettings
from tests.fixtures.settings import worker_settings

KEY = "a-key-nobody-may-see"
GIVEN = worker_settings(
    api_key=Secret(KEY),
    base_url="https://api.keepa.com",
    database_url=Secret("postgresql://me:a-password@host/db"),
    ledger_path="var/ledger",
    spool_dir="var/spool",
    selections=(SelectionSettings(name="default", query={"domainId": 1, "priceTypes": [1]}),),
    keepa_domains=(1, 3),
    poll_interval_s=300.0,
)


def test_settings_are_one_line_and_come_out_the_same():
    line = settings.CODEC.encode(GIVEN)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    decoded = settings.CODEC.decode(line)
    assert decoded == GIVEN
    assert decoded.api_key.reveal() == KEY


def test_a_secret_shows_nowhere():
    shown = [repr(GIVEN), str(GIVEN), f"{GIVEN.api_key}", f"{GIVEN.api_key!r:>9}", str([GIVEN.api_key])]
    assert not [text for text in shown if KEY in text or "a-password" in text]
    assert str(Secret(KEY)) == "•••"


def test_a_secret_is_written_by_encode_alone():
    for write in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, msgspec.json.encode, msgspec.to_builtins):
        with pytest.raises(TypeError) as caught:
            write(GIVEN.api_key)
        assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "server"),
    [
        ("https://api.keepa.com", "api.keepa.com"),
        ("http://127.0.0.1:8080/keepa", "127.0.0.1:8080"),
        ("http://me:a-password@[::1]:8080", "[::1]:8080"),
    ],
)
def test_the_server_is_named_without_a_login(base_url, server):
    assert msgspec.structs.replace(GIVEN, base_url=base_url).server == server


def test_secrets_compare_by_value_and_know_when_they_are_empty():
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert Secret("a")
    assert not Secret("")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        settings.CODEC.encode(GIVEN)[:-20],
        settings.CODEC.encode(GIVEN).replace(b'"stats"', b'"all"'),
        b"\xff",
        settings.CODEC.encode(GIVEN).replace(json.dumps(KEY).encode(), b"5"),
    ],
    ids=["empty", "nothing", "cut", "unknown detail", "no text", "a secret that is no text"],
)
def test_a_line_that_is_none_is_refused_without_its_secrets(line):
    with pytest.raises(ConfigError, match="the settings sent by the supervisor cannot be read") as caught:
        settings.CODEC.decode(line)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("base", detail.BASES)
@pytest.mark.parametrize("options", [[], [one.replace("N", "90") for one in detail.OPTIONS], ["rating"]])
def test_every_detail_that_can_be_written_is_read(base, options):
    text = "+".join([base, *options])
    sent = msgspec.structs.replace(GIVEN, upsert_detail=text, backfill_detail=text)
    assert settings.CODEC.decode(settings.CODEC.encode(sent)) == sent
    nothing = msgspec.structs.replace(sent, upsert_detail="none")
    assert settings.CODEC.decode(settings.CODEC.encode(nothing)) == nothing


@pytest.mark.parametrize(
    ("changes", "held_s"),
    [
        ({}, 30 + 2 * 120 + 300),
        ({"connect_timeout_s": 5, "read_timeout_s": 7, "retry_deadline_s": 11}, 5 + 2 * 7 + 11),
        ({"retry_deadline_s": 3600}, 30 + 2 * 120 + 3600),
    ],
)
def test_a_batch_is_held_for_the_longest_call_and_the_longest_a_database_may_be_away(changes, held_s):
    assert worker_settings(**changes).lease_s == held_s
