"""What the commands for people's own tools need of the settings, and no more."""

from __future__ import annotations

from supervisor.cli import postgres


def test_the_ledger_is_found_whatever_else_of_the_settings_is_at_fault(monkeypatch, tmp_path):
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.setenv("UPSERT_WORKERS", "many")
    assert postgres.with_ledger_path(["dump", "--json"]) == ["dump", "--json", "--path", str(tmp_path / "ledger")]
