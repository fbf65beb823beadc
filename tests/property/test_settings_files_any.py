"""Whatever is in the files that settings name, and whatever they are called: no start and no reload comes to nothing.

Either one message says what is odd, or every process can be told what the files hold, and reads the same.
"""

import json
import os
import tempfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from supervisor.config.notify_settings import CODEC as NOTIFY_CODEC
from supervisor.config.notify_settings import NotifySettings
from supervisor.config.run_plan import make_run_plan
from supervisor.config.settings import load_settings
from tasks.errors import ConfigError
from tasks.keepa.source.finder import NAMES
from tasks.keepa.source.source import KINDS
from tasks.secret import Secret
from tasks.settings import CODEC
from tests.fixtures.server import WIDE

SERVER = "http://127.0.0.1:1"
HALF = "\ud800"
TEXTS = st.text(st.characters(), max_size=4) | st.sampled_from([HALF, f"a{HALF}b", "\udcff", "\x00"])
NUMBERS = st.integers() | st.sampled_from([2**63, -(2**63) - 1, 10**30]) | st.floats()
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=6,
)
SEARCHES = st.dictionaries(st.sampled_from(["brand", "title", "categories_include", "sort", *sorted(NAMES)]), ANYTHING)
FIELDS = ("domainId", "categoryId", "sellerId", "range", "most", "refresh", "query", "$comment", HALF)
SOURCES = st.builds(
    lambda kind, search, fields: {"source": kind, "domainId": 1, "query": search, **fields},
    st.sampled_from(KINDS) | ANYTHING,
    SEARCHES | ANYTHING,
    st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=2),
)
SELECTIONS = st.dictionaries(st.sampled_from([*WIDE, "titleSearch", "brand", "deltaRange"]), ANYTHING).map(
    lambda given: WIDE | given
)
JSON = (SOURCES | SELECTIONS | ANYTHING).map(json.dumps)
ODD_NAMES = (b"\xff.json", b"\xff.txt", b"\xff.csv", b"\xff.env", b"\xff.toml", b"a\xed\xa0\x80.json")
ASIN = "B08N5WRWNW\n"
TARGETS = '[mine]\ncommand = ["true"]\n'


def every_process_is_told(environ):
    """Whether the settings can be used; then every process reads what it was told."""
    try:
        settings = load_settings({"KEEPA_BASE_URL": SERVER, "KEEPA_API_KEY": "", **environ}, dotenv=None)
    except ConfigError as error:
        str(error).encode()
        return False
    "".join(settings.notes).encode()
    told = make_run_plan(settings).worker_settings(SERVER, Secret(""), "spool")
    assert CODEC.decode(CODEC.encode(told)) == told
    notify = NotifySettings(
        state_dir="", host=settings.host_name, database_url=Secret(""), domains=(1,), selections=told.selections,
        rules=settings.loaded_rules, targets=settings.loaded_targets,
    )  # fmt: skip
    assert NOTIFY_CODEC.decode(NOTIFY_CODEC.encode(notify)).targets == notify.targets
    return True


def written(folder, name, data):
    path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118 - bytes, which a Path does not take
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(data)
    os.chmod(path, 0o600)  # noqa: PTH101


def source(search):
    return json.dumps({"source": "product-finder", "domainId": 1, "query": search})


@given(JSON)
@example(source({"title": HALF}))
@example(source({"brand": ["a", HALF]}))
@example(source({HALF: 1}))
@example(source({"current_SALES_gte": 10**30}))
@example(source({"brand": [float("nan")]}))
@example(source({"brand": "x", "sort": [["current_SALES", []]]}))
@example("[" * 3_000 + "]" * 3_000)
def test_any_json_is_told_to_every_process_or_refused(text):
    for data in {text, text.encode().decode("unicode_escape", "ignore")}:
        with tempfile.TemporaryDirectory() as folder:
            written(folder, b"one.json", data.encode("utf-8", "surrogatepass"))
            every_process_is_told({"SELECTIONS": folder})
            every_process_is_told({"WATCH": f"{folder}/one.json"})
            every_process_is_told({"RULES": folder})


TOML = st.sampled_from(["to", "deals", "percent", "price", "domain", "again", "quiet", "digest", "drift", "title"])
VALUES = st.sampled_from(['"mine"', '["mine"]', '["new"]', "nan", "-inf", str(10**30), '"\\ud800"', "[[[1]]]", '"1h"'])


@given(st.dictionaries(TOML, VALUES | NUMBERS.map(str)))
def test_any_rule_is_told_to_every_process_or_refused(given):
    with tempfile.TemporaryDirectory() as folder:
        lines = {"to": '["mine"]', "deals": '["new"]'} | given
        written(folder, b"one.toml", "".join(f"{name} = {value}\n" for name, value in lines.items()).encode())
        written(folder, b"targets.toml", TARGETS.encode())
        every_process_is_told({"RULES": folder})


@given(st.lists(TEXTS, max_size=4), st.sampled_from(["KEEPA_API_KEY", "POOL", "SELECTIONS", "UPSERT_FLOOR"]))
def test_any_file_of_a_key_is_told_to_every_process_or_refused(texts, name):
    with tempfile.TemporaryDirectory() as folder:
        data = f"KEEPA_API_KEY={'k' * 64}\n{name}={''.join(texts)}\n".encode("utf-8", "surrogatepass")
        written(folder, b"one.env", data)
        every_process_is_told({"KEYS": folder})


@pytest.mark.parametrize("setting", ["SELECTIONS", "WATCH", "KEYS", "RULES"])
def test_a_name_that_is_not_utf8_is_a_fault_that_can_be_printed(tmp_path, setting):
    sound = {b"one.json": json.dumps(WIDE), b"one.txt": ASIN, b"targets.toml": TARGETS}
    for name in ODD_NAMES:
        data = json.dumps(WIDE | {"dateRange": 1}) if name.endswith(b"json") else ASIN
        if name.endswith(b"toml"):
            data = 'to = ["mine"]\ndeals = ["new"]\n'
        written(tmp_path, name, (f"KEEPA_API_KEY={'k' * 64}\n" if name.endswith(b"env") else data).encode())
    for name, data in sound.items():
        written(tmp_path, name, data.encode())
    with pytest.raises(ConfigError) as caught:
        load_settings({setting: str(tmp_path), "KEEPA_BASE_URL": SERVER}, dotenv=None)
    assert "\\udcff" in str(caught.value)
    assert "rename the file" in str(caught.value)


def test_what_a_pipe_does_not_take_is_no_settings():
    told = make_run_plan(load_settings({}, dotenv=None)).worker_settings(SERVER, Secret("a" * 2**20), "spool")
    with pytest.raises(ConfigError, match="a pipe takes 1,044,480"):
        CODEC.encode(told)
