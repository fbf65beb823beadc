"""Quarantine on the page: listed, shown, retried and dropped, and only what the visitor was shown."""

from __future__ import annotations

import pytest

from supervisor.report import Report, RunRecord, SupervisorRecord, write
from tasks.store import quarantine
from tasks.store.quarantine import FaultFilter

HOSTILE = "</pre><script>alert(1)</script>"


@pytest.fixture
def kept(conn):
    """A connection to a database with seven faults of two reasons."""
    for number in range(7):
        reason = "a field is missing" if number % 3 else "it was cut off"
        raw = HOSTILE.encode() + b"\xff\x00" if number == 1 else None
        quarantine.add(conn, kind="deal", key=f"B{number:09d}", reason=reason, raw=raw, domain=1)
    quarantine.add(conn, kind="request", key="default, domain 1", reason="HTTP 400", raw=None)
    return conn


@pytest.fixture
def site(visit, database_url):
    """A visitor of a page whose supervisor has reported."""
    made = visit(database_url)
    report = Report(
        written_at="2026-11-30T00:00:00Z",
        supervisor=SupervisorRecord(pid=1, state="running"),
        run=RunRecord(
            server="simulator", synthetic=True, base_url=None, database=None, database_url=None, spool="s",
            rows_into="a database", words="",
        ),
        workers=(),
        services=(),
        rows_written={},
        deaths=(),
    )  # fmt: skip
    write(report, made.state.status)
    return made


def left(conn):
    return {fault.id for fault in quarantine.find(conn, FaultFilter(), limit=100)}


def test_faults_are_listed_by_reason_and_one_by_one(kept, site):
    page = site.page("/quarantine?kind=deal")
    assert "a field is missing" in page.text
    by_reason = next(link for link in page.links if "reason=it+was+cut+off" in link)
    assert len(site.json(by_reason.replace("/quarantine?", "/quarantine.json?"))["faults"]) == 3
    every = site.json("/quarantine.json")["faults"]
    assert [fault["id"] for fault in every] == [fault.id for fault in quarantine.find(kept, FaultFilter(), limit=100)]
    assert [int(row["id"]) for row in site.csv("/quarantine.csv")] == [fault["id"] for fault in every]
    assert "Nothing is in quarantine" not in page.text
    assert "No such fault" in site.page("/quarantine?key=none").text
    assert "kind: " in site.page("/quarantine?kind=none", 400).text


def test_page_after_page_is_the_whole_list(conn, site):
    for number in range(120):
        quarantine.add(conn, kind="product", key=f"B{number:09d}", reason=f"reason {number}", raw=None, domain=1)
    conn.execute("UPDATE quarantine SET last_at = now() - (id / 3) * interval '1 s'")
    read, path = [], "/quarantine?kind=product"
    while path is not None:
        page = site.page(path)
        read += [int(link.rpartition("/")[2]) for link in page.links if link.removeprefix("/quarantine/").isdigit()]
        path = next((link for link in page.links if "before=" in link), None)
    assert read == [fault.id for fault in quarantine.find(conn, FaultFilter(), limit=200)]
    assert "before: " in site.page("/quarantine?before=1", 400).text


def test_what_was_received_is_shown_as_text(kept, site):
    number = quarantine.find(kept, FaultFilter(key="B000000001"), limit=1)[0].id
    html = site.get(f"/quarantine/{number}").text
    assert "A retry reads what was kept" in html
    assert HOSTILE not in html
    assert HOSTILE in site.page(f"/quarantine/{number}").text
    assert site.json(f"/quarantine/{number}.json")["faults"][0]["raw"] == HOSTILE + "\\xff\x00"
    assert "there is no fault 999" in site.page("/quarantine/999", 404).text
    assert site.get("/quarantine/x", 400)


def test_what_was_shown_is_dropped_and_nothing_else(kept, site):
    before = left(kept)
    form = site.page("/quarantine/drop?kind=deal&reason=cut")
    assert "Drop 3 faults" in form.text
    assert left(kept) == before  # a look changes nothing
    reply = site.post("/quarantine/drop", form.fields)
    assert (reply.status_code, reply.headers["location"]) == (303, "/quarantine?was_dropped=3")
    assert "3 dropped for good" in site.page(reply.headers["location"]).text
    assert len(left(kept)) == len(before) - 3
    assert not quarantine.find(kept, FaultFilter(reason="cut"), limit=9)


@pytest.mark.parametrize("verb", ["drop", "retry"])
def test_nothing_is_done_when_it_is_not_what_was_shown(kept, site, verb):
    form = site.page(f"/quarantine/{verb}?reason=cut")
    quarantine.add(kept, kind="deal", key="B000000099", reason="it was cut off", raw=None, domain=1)
    before = left(kept)
    reply = site.post(f"/quarantine/{verb}", form.fields)
    assert reply.status_code == 409
    assert "nothing was done" in reply.text
    assert left(kept) == before
    # The same number of them is not the same.
    quarantine.drop(kept, FaultFilter(key="B000000003"))
    assert site.post(f"/quarantine/{verb}", form.fields).status_code == 409
    assert site.post(f"/quarantine/{verb}", {"seen": ""}).status_code == 409


def test_a_product_without_anything_kept_is_queued_again(kept, site):
    quarantine.add(kept, kind="product", key="B000000042", reason="HTTP 500", raw=None, domain=1)
    number = quarantine.find(kept, FaultFilter(key="B000000042"), limit=1)[0].id
    form = site.page(f"/quarantine/retry?id={number}")
    assert "Retry 1 fault" in form.text
    reply = site.post("/quarantine/retry", form.fields)
    assert "was_queued=1" in reply.headers["location"]
    assert number not in left(kept)
    assert kept.execute("SELECT asin FROM fetch_queue").fetchall() == [("B000000042",)]
    assert "1 queued again" in site.page(reply.headers["location"]).text


def test_without_control_there_is_no_form_and_no_order(kept, visit, database_url):
    site = visit(database_url, has_control=False)
    assert not [link for link in site.page("/quarantine").links if "drop" in link or "retry" in link]
    assert "takes no orders" in site.page("/quarantine/drop?kind=deal", 400).text
    before = left(kept)
    assert site.post("/quarantine/drop", {"kind": "deal", "seen": "3-x"}).status_code == 403
    assert left(kept) == before
