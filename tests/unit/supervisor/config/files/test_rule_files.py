"""The folder of rules: whatever is wrong in any of its files is told in one go, and no word of a target with it."""

import pytest

from supervisor.config.files import rule_files
from supervisor.config.settings import UnusableSettings
from supervisor.notify import commands


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "rules"
    made.mkdir()
    return made


def write(folder, targets, **rules):
    for name, text in rules.items():
        (folder / f"{name}.toml").write_text(text)
    (folder / "targets.toml").write_text(targets)
    (folder / "targets.toml").chmod(0o600)


def faults_of(folder):
    faults = []
    rule_files.read(str(folder), faults, [])
    return faults


def test_a_target_that_there_is_not_is_told_with_every_other_fault(folder):
    write(
        folder,
        '[web]\nurl = "nowhere-s3cr3t"\n[mail]\nurl = "mailto://a:s3cr3t@b"\n',
        one='deals = "sale"\nto = ["fax", "mail", "pager"]\n',
        two='to = ["web", "pigeon"]\n',
    )
    found = faults_of(folder)
    wanted = [
        "targets.toml: [web]: url: expected",
        "one.toml: deals: 'sale' is none of",
        "one.toml: to: no target is called 'fax', 'pager'; targets.toml has web, mail",
        "two.toml: nothing is told",
        "two.toml: to: no target is called 'pigeon'",
    ]
    assert [one for one in wanted if not any(one in fault for fault in found)] == []
    assert len(found) == len(wanted)
    assert "s3cr3t" not in "".join(found)


def test_targets_that_cannot_be_read_are_no_reason_to_miss_each_name(folder):
    write(folder, "[web\n", one='deals = "sale"\nto = "fax"\n')
    found = faults_of(folder)
    assert len(found) == 2
    assert "is no TOML" in found[0]
    assert "'sale'" in found[1]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise imports it
def test_what_apprise_says_of_a_target_is_told_with_the_rest(folder, tmp_path, monkeypatch):
    write(folder, '[web]\nurl = "nosuch://s3cr3t/x"\n', one='deals = "new"\nto = "fax"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RULES", str(folder))
    monkeypatch.setenv("BACKFILL_FLOOR", "much")
    with pytest.raises(UnusableSettings) as caught:
        commands.check(None)
    words = str(caught.value)
    assert "BACKFILL_FLOOR" in words
    assert "no target is called 'fax'" in words
    assert "[web]: url: Apprise knows no such service" in words
    assert "s3cr3t" not in words
