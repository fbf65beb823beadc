"""A command that only reads answers whatever is wrong with the settings that it does not use, and says so."""

import re

import pytest

from supervisor.cli.run_command import run_command
from supervisor.config.options import BY_NAME, OPTIONS
from tasks.errors import EXIT_CONFIG
from tasks.store.connection import connect
from tests.fakes.program.cli_program import ROOT
from tests.fixtures.database import best_deals
from tests.fixtures.database.postgres import TEMPLATE
from tests.fixtures.running import told_supervisor

WHERE = {"KEEPA_API_KEY", "KEYS", "KEEPA_BASE_URL", "DATABASE_URL", "LEDGER", "STATE_DIR"}  # they say which run it is
LISTED = {"SELECTIONS", "KEEPA_DOMAINS"}
LISTS = {"WATCH", "KEEPA_DOMAINS", "WATCH_REFRESH", "WATCH_DETAIL"}
USED = {
    "status": LISTED | LISTS | {"BACKFILL_DETAIL", "HISTORY_MAX_AGE_D", "UPSERT_DETAIL", "BACKFILL_WORKERS"},
    "spend": set(),
    "spend --per hour": set(),
    "deals": LISTED,
    "history B000000001 --domain amazon.com": set(),
    "export calls": set(),
    "quarantine list": set(),
    "queue": LISTED | LISTS,
    "hosts": set(),
    "watch list": LISTS,
    "selection check": LISTED,
    "selection explain": LISTED,
    "notify list": {"RULES"},
    "db size": LISTED | {name for name in BY_NAME if name.endswith("_KEEP_D")},
    "db-url": set(),
    "ledger dump": set(),
    "web": set(),
    "--version": {"POSTGRES_BIN_DIR"},
}
NOT_TOLD = {"ledger dump", "web"}  # they look at STATE_DIR alone and check no other setting
_WRITES = re.compile(r"with .*(query_connection\(.*writes=|[^_]surroundings\(plan)")
SELECTION = '{"domainId":1,"priceTypes":[0]}'
BAD = "not\x7fusable"  # no setting takes a control character


@pytest.fixture(scope="module")
def listed_url(pg_server):
    """The URL of a database with random deals, which nobody changes."""
    with pg_server.copy(TEMPLATE) as url:
        with connect(url, application_name="test", autocommit=True) as conn:
            best_deals.list_some(conn)
        yield url


@pytest.fixture
def run(listed_url, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("DATABASE_URL", listed_url)
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "targets.toml").write_text('[me]\ncommand = ["true"]\n')
    (rules / "targets.toml").chmod(0o600)
    (rules / "any.toml").write_text('deals = ["new"]\nto = ["me"]\n')
    monkeypatch.setenv("RULES", str(rules))

    def answer(words, bad):
        with monkeypatch.context() as patch:
            for name in bad:
                patch.setenv(name, BAD)
            try:
                code = run_command(words.split())
            except SystemExit as ended:  # as `--version` does
                code = ended.code
        return code, *capsys.readouterr()

    with told_supervisor(tmp_path / "state", {}):
        yield answer


@pytest.mark.parametrize("words", USED)
def test_a_command_that_reads_needs_only_the_settings_it_uses(run, words):
    unused = sorted(set(BY_NAME) - WHERE - USED[words])
    good, bad = run(words, ()), run(words, unused)
    assert good[0] in {0, 1, 3, 75}, good[2]
    if bad[0] == EXIT_CONFIG:
        unused = [name for name in unused if run(words, (name,))[0] == EXIT_CONFIG]
        pytest.fail(f"it uses {unused}")
    assert bad[0] == good[0]
    assert bool(bad[1]) == bool(good[1])
    told = [line for line in bad[2].splitlines() if "not used here" in line]
    named = {name for name in unused if any(f": {name} (from environment)" in line for line in told)}
    assert named == (set() if words in NOT_TOLD else set(unused))
    assert good[2].splitlines() == [line for line in bad[2].splitlines() if line not in told]


@pytest.fixture
def keys(tmp_path, monkeypatch):
    """The file of a second key, beside one that is good."""
    folder = tmp_path / "keys"
    folder.mkdir()
    monkeypatch.setenv("KEYS", str(folder))
    monkeypatch.setenv("KEEPA_BASE_URL", "http://127.0.0.1:1")
    for name in ("good", "other"):
        (folder / f"{name}.env").write_text(f"KEEPA_API_KEY={name * 12}\n")
        (folder / f"{name}.env").chmod(0o600)
    return folder / "other.env"


@pytest.mark.parametrize("words", USED)
def test_a_bad_file_of_a_key_leaves_a_command_that_reads_the_other_keys(run, keys, words):
    good = run(words, ())
    keys.write_text(keys.read_text() + "UPSERT_FLOOR=many\n")
    bad = run(words, ())
    assert good[0] in {0, 1, 3, 75}, good[2]
    assert bad[0] == good[0], bad[2]
    told = [line for line in bad[2].splitlines() if str(keys) in line]
    assert len(told) == (0 if words in NOT_TOLD else 1), bad[2]


def test_nothing_is_dropped_from_the_queue_by_a_part_of_the_keys(run, keys):
    keys.write_text(keys.read_text() + "UPSERT_FLOOR=many\n")
    code, _, told = run("queue drop", ())
    assert (code, str(keys) in told) == (78, True)


def stopped_by(told):
    """The beginning of the one fault that stopped the command, and is no note of what it does not use; None without."""
    found = re.search(r"the configuration has a fault:\n  - (.*? cannot be used)", told)
    return None if found is None else found[1]


@pytest.mark.parametrize("words", ["fetch B000000001 --domain amazon.com", f"selection preview {SELECTION}"])
def test_nobodys_tokens_are_spent_by_a_part_of_the_keys(run, keys, words):
    keys.write_text(keys.read_text() + "POOL=theirs\nUPSERT_FLOOR=many\n")
    code, _, told = run(words, ())
    assert (code, stopped_by(told)) == (78, f"KEYS: {keys}: UPSERT_FLOOR cannot be used"), told
    assert "the configuration has a fault" not in run(f"{words} --key good", ())[2]


@pytest.mark.parametrize("words", ["spend", "fetch B000000001 --domain amazon.com", "plan"])
def test_a_key_whose_file_is_bad_is_there_but_for_its_faults(run, keys, words):
    keys.write_text(keys.read_text() + "UPSERT_FLOOR=many\n")
    code, _, told = run(f"{words} --key other", ())
    assert (code, stopped_by(told)) == (78, f"KEYS: {keys}: UPSERT_FLOOR cannot be used"), told
    code, _, told = run(f"{words} --key none", ())
    assert (code, "no key is called 'none'; there are: good" in told) == (78, True), told


WRITING = (
    "queue drop",
    "db prune",
    "db partition",
    "quarantine drop 1",
    "quarantine retry 1",
    "drain some-host",
    "fetch B000000001 --domain amazon.com",
    "fetch B000000001 --domain amazon.com --queue",
    f"selection preview {SELECTION}",
    "psql -c select",
    "pg-restore x",
)


@pytest.mark.parametrize(
    ("words", "slip"),
    [*((one, "DATABASE_URl") for one in WRITING), ("drain some-host", "KEEPA_APIKEY"), ("db prune", "KEEPA_BASEURL")],
)
def test_nothing_is_written_or_paid_where_the_name_of_the_place_has_a_slip(run, words, slip, tmp_path, monkeypatch):
    monkeypatch.delenv("DATABASE_URL")
    (tmp_path / ".env").write_text(f"{slip}=postgresql://elsewhere/x\n")
    before = sorted((tmp_path / "state").rglob("*"))
    code, _, told = run(words, ())
    assert code == 78, told
    assert "the configuration has a fault:\n  - .env: there is no setting" in told
    assert sorted((tmp_path / "state").rglob("*")) == before


def test_every_command_that_writes_is_among_them():
    """A file of these commands has a connection that writes, or pays; each is named by the commands above."""
    modules = [path for path in (ROOT / "supervisor").rglob("*.py") if _WRITES.search(path.read_text())]
    assert {path.relative_to(ROOT / "supervisor").as_posix() for path in modules} == {
        "cli/debug.py",  # it takes no settings with a fault
        "cli/fetch/fetch.py",
        "control/send_order.py",  # it releases brakes of a run that has good settings
        "queries/db/partition.py",
        "queries/db/prune.py",
        "queries/drain.py",
        "queries/quarantine.py",
        "queries/queue.py",
        "selections/page_call.py",
    }


def test_a_setting_that_is_used_stops_the_command_with_every_fault_told_once(run):
    code, out, told = run("deals", ("SELECTIONS", "SPOOL_LIMIT_MB"))
    assert (code, out) == (78, "")
    assert "the configuration has 2 faults:" in told
    assert told.count("SPOOL_LIMIT_MB") == told.count("SELECTIONS") == 1


def test_every_setting_is_unused_by_some_command():
    assert all(any(option.name not in used for used in USED.values()) for option in OPTIONS)
