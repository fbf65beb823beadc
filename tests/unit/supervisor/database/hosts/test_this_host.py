"""What a host says of itself to those that write to the same database."""

import pytest

from supervisor.config.run_plan import make_run_plan
from supervisor.config.settings import load_settings
from supervisor.database.hosts import this_host
from supervisor.database.ledger_source import account_number


@pytest.fixture
def plan(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir()
    for name in "ab":
        path = folder / f"{name}.env"
        path.write_text(f"KEEPA_API_KEY={name * 64}")
        path.chmod(0o600)
    environ = {
        "KEYS": str(folder), "STATE_DIR": str(tmp_path), "KEEPA_BASE_URL": "http://127.0.0.1:1",
        "DATABASE_URL": "postgresql:///nowhere",
    }  # fmt: skip
    return make_run_plan(load_settings(environ, dotenv=None))


@pytest.mark.parametrize("shares", [True, False])
def test_a_host_tells_the_account_of_every_key_that_it_spends_from(plan, shares):
    of_each = {name: account_number(plan.of_key(name).account("")) for name in plan.keys}
    told = this_host.newcomer(plan, "id", "", plan.keys, shares=shares)
    assert told.accounts == [of_each["a"], of_each["b"]]
    assert this_host.newcomer(plan, "id", "", ["b"], shares=shares).accounts == [of_each["b"]]
