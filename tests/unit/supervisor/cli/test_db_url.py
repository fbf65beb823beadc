"""`db-url` prints the URL as it is, which is what it is for, and says so where a person may be looking."""

import sys

import pytest

from supervisor.cli import commands

URL = "postgresql://me:s3cretWord@host.example/db"


@pytest.mark.parametrize(
    ("url", "is_terminal", "warns"),
    [(URL, True, True), (URL, False, False), (URL.replace(":s3cretWord", ""), True, False)],
)
def test_a_password_on_a_terminal_is_told_to_be_one(monkeypatch, capsys, url, is_terminal, warns, mocker):
    monkeypatch.setenv("DATABASE_URL", url)
    mocker.patch.object(sys.stdout, "isatty", return_value=is_terminal, create=True)
    assert commands.dispatch(["db-url"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{url}\n"
    assert ("this line shows a password" in err) == warns
    assert "s3cretWord" not in err


def test_the_help_says_that_the_password_is_shown(capsys):
    with pytest.raises(SystemExit):
        commands.dispatch(["--help"])
    assert "with its password" in " ".join(capsys.readouterr().out.split())
