"""Whatever is wrong with the settings is told in one message, each fault once, as the lines of `.env` stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from supervisor.config import settings
from supervisor.config.options import BY_NAME
from supervisor.config.setting_texts import read_texts

URL = "postgresql://deals@db.example/deals"
# What to write, and words of the fault that it makes. No two of them are about the same setting.
SINGLE = [
    ({"METRICS_PORT": "much"}, "METRICS_PORT"),
    ({"POLL_INTERVAL_S": "-1"}, "POLL_INTERVAL_S"),
    ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
    ({"STOP_S": "never"}, "STOP_S"),
    ({"SELECTIONS": "/no/such/folder"}, "SELECTIONS"),
    ({"RULES": "/no/such/folder"}, "RULES"),
]
OF_TWO = [
    ({"UPSERT_WORKERS": "0", "BACKFILL_WORKERS": "0"}, "UPSERT_WORKERS and BACKFILL_WORKERS are both 0"),
    ({"UPSERT_SHARE": "0.6", "BACKFILL_SHARE": "0.6"}, "UPSERT_SHARE and BACKFILL_SHARE"),
    ({"UPSERT_FLOOR": "90", "BACKFILL_FLOOR": "10"}, "UPSERT_FLOOR 90 is above"),
]
OF_THE_DATABASE = [
    [],
    [({"LEDGER": "database"}, "LEDGER is `database` but DATABASE_URL is not set")],
    [({"DATABASE_URL": URL}, "DATABASE_URL is set but KEEPA_API_KEY is not")],
    [({"DATABASE_URL": URL, "LEDGER": "database"}, "DATABASE_URL is set but KEEPA_API_KEY is not")],
    [({"DATABASE_URL": "mysql://x", "LEDGER": "database"}, "DATABASE_URL (from")],
]


@st.composite
def wrong(draw):
    chosen = draw(st.lists(st.sampled_from(SINGLE + OF_TWO), unique_by=lambda one: one[1]))
    return chosen + draw(st.sampled_from(OF_THE_DATABASE))


def told(environ, dotenv):
    texts = read_texts(environ, dotenv=dotenv)
    return settings.check(texts, synthetic_into_database=False).faults.words


def place(fault, lines):
    """The first line, of those in the file, whose setting the fault names first; behind them the table of settings."""
    names = [*lines, *(name for name in BY_NAME if name not in lines)]
    return next(at for at, name in enumerate(names) if fault.startswith((f"{name} ", f"{name}:")))


@runs(max_examples=40)
@given(wrong(), st.randoms(use_true_random=False), st.floats(0, 1))
def test_all_faults_are_told_together_in_the_order_of_the_file(tmp_path_factory, faults, random, part):
    set_at = {name: value for given, _ in faults for name, value in given.items()}
    names = sorted(set_at)
    random.shuffle(names)
    lines = names[: round(part * len(names))]
    path = tmp_path_factory.getbasetemp() / ".env"
    path.write_text("".join(f"{name}={set_at[name]}\n" for name in lines), encoding="utf-8")
    found = told({name: set_at[name] for name in names if name not in lines}, path)
    expected = [words for _, words in faults]
    assert len(found) == len(expected), found
    assert all(sum(words in one for one in found) == 1 for words in expected)
    assert found == sorted(found, key=lambda fault: place(fault, lines))


def test_a_slip_in_a_name_stands_at_its_line(tmp_path):
    path = tmp_path / ".env"
    path.write_text("STOP_S=never\nDATABASE_URl=postgresql://host/db\nHANG_S=never\n", encoding="utf-8")
    stop, slip, hang, level = told({"LOG_LEVEL": "loud"}, path)
    assert ("STOP_S" in stop, "DATABASE_URl" in slip, "HANG_S" in hang, "LOG_LEVEL" in level) == (True,) * 4


def test_what_cannot_be_read_is_not_said_to_be_missing(tmp_path):
    path = tmp_path / ".env"
    path.write_text("LEDGER=database\nDATABASE_URL 'postgresql://host/db\n", encoding="utf-8")
    (only,) = told({"KEEPA_API_KEY": "k" * 64}, path)
    assert "line 2" in only
