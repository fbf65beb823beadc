"""The page over its port: who is let in, what is refused, what each list gives, and what its process may not do."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import socket
import stat
from urllib.parse import urlsplit

import pytest
import requests

from supervisor.web.guard import BODY_LIMIT, HEADERS, QUERY_LIMIT
from supervisor.web.session import COOKIE
from tests.fakes.program.cli_program import Program, all_gone, freeze, is_alive, of_process, web_pid
from tests.fakes.waiting import LIMIT_S, wait_until

PAGES = ("/", "/events", "/settings", "/help", "/orders/pause?role=backfill", "/orders/scale?role=upsert")
LISTS = ("/now", "/events", "/settings", "/help")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    one = Program(tmp_path_factory.mktemp("web"), WEB_PORT="0", METRICS_PORT="0", WEB_HOSTS="page.example").start()
    one.until_working()
    yield one
    one.kill()


@pytest.fixture(scope="module")
def url(program):
    return program.report()["supervisor"]["web"]


@pytest.fixture
def token(program):
    """The token as it is now: one of the tests has another made."""
    return (program.state / "web.token").read_text().strip()


@pytest.fixture
def visitor(url, token):
    """A browser that was let in."""
    with requests.Session() as one:
        assert one.get(f"{url}/login", params={"token": token}, timeout=LIMIT_S).status_code == 200
        yield one


def get(who, url, path, **more):
    return who.get(url + path, timeout=LIMIT_S, allow_redirects=False, **more)


def order(who, url, path, fields, **headers):
    from_the_page = {"Origin": url, "Sec-Fetch-Site": "same-origin", **headers}
    given = {name: value for name, value in from_the_page.items() if value is not None}
    return who.post(url + path, data=fields, headers=given, timeout=LIMIT_S, allow_redirects=False)


@pytest.mark.parametrize("path", [*PAGES, "/live.json", "/now.csv", "/else", "/static"])
def test_nobody_without_the_token_sees_anything(url, path):
    reply = get(requests, url, path)
    assert reply.status_code == 401
    assert "upsert" not in reply.text
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize("path", PAGES)
def test_who_was_let_in_sees_every_page_and_every_answer_has_the_headers_that_keep_it_safe(visitor, url, path):
    reply = get(visitor, url, path)
    assert reply.status_code == 200, reply.text
    assert HEADERS.items() <= reply.headers.items()
    assert reply.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert "unsafe" not in reply.headers["Content-Security-Policy"]


def test_the_token_lies_in_a_file_of_its_owner_alone_and_in_no_log_and_no_argument(program, token, visitor, url):
    assert stat.S_IMODE((program.state / "web.token").stat().st_mode) == 0o600
    assert len(token) >= 43
    assert token not in program.log()
    assert token not in get(visitor, url, "/settings").text
    assert token.encode() not in of_process(web_pid(program), "cmdline")


def test_the_cookie_is_for_this_page_alone_and_is_not_the_token(url, token):
    reply = get(requests, url, f"/login?token={token}")
    assert reply.headers["Set-Cookie"].lower().count("httponly") == 1
    assert "samesite=strict" in reply.headers["Set-Cookie"].lower()
    assert "secure" not in reply.headers["Set-Cookie"].lower()
    assert token not in reply.headers["Set-Cookie"]
    behind_https = get(requests, url, f"/login?token={token}", headers={"X-Forwarded-Proto": "https"})
    assert "secure" in behind_https.headers["Set-Cookie"].lower()


def test_a_program_may_send_the_token_itself(url, token):
    assert get(requests, url, "/live.json", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert get(requests, url, "/live.json", headers={"Authorization": f"Bearer {token}x"}).status_code == 401
    assert get(requests, url, "/live.json", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "page.example.", "127.0.0.1.nip.io"])
def test_a_request_for_another_host_is_answered_with_nothing(url, token, host):
    headers = {"Host": host, "Authorization": f"Bearer {token}"}
    assert get(requests, url, "/", headers=headers).status_code == 421
    assert get(requests, url, "/login", headers=headers).status_code == 421


@pytest.mark.parametrize("host", ["localhost:9465", "127.0.0.1", "[::1]:80", "page.example", "PAGE.example:443"])
def test_a_request_for_us_is_answered(url, token, host):
    headers = {"Host": host, "Authorization": f"Bearer {token}"}
    assert get(requests, url, "/events", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": None},
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_an_order_that_does_not_come_from_the_page_is_refused(visitor, program, url, headers):
    before = len(program.report()["orders"])
    reply = order(visitor, url, "/orders/pause", {"role": "backfill", "seen": "1"}, **headers)
    assert reply.status_code == 403
    assert len(program.report()["orders"]) == before


def test_an_order_of_somebody_who_is_not_logged_in_is_refused(url):
    assert order(requests, url, "/orders/pause", {"role": "backfill", "seen": "1"}).status_code == 401


def test_what_is_too_long_is_refused(visitor, url):
    assert get(visitor, url, "/events?kind=" + "x" * QUERY_LIMIT).status_code == 414
    assert order(visitor, url, "/orders/set", {"value": "x" * BODY_LIMIT}).status_code == 413
    assert get(visitor, url, "/", headers={"X-Long": "x" * 20_000}).status_code in {400, 431}


def test_looking_changes_nothing(visitor, program, url):
    before = program.report()["orders"]
    for path in ("/orders/pause?role=backfill", "/orders/reload", "/orders/restart?worker=upsert-0"):
        assert get(visitor, url, path).status_code == 200
    assert program.report()["orders"] == before


def test_a_pause_says_what_it_is_about_and_is_given_only_while_that_is_so(visitor, program, url):
    form = get(visitor, url, "/orders/pause?role=backfill").text
    assert "Stops 1 backfill worker" in form
    seen = re.search(r'name="seen" value="(\d+)"', form)[1]
    changed = order(visitor, url, "/orders/pause", {"role": "backfill", "seen": "7"})
    assert changed.status_code == 409
    assert program.report()["paused"] == []
    given = order(visitor, url, "/orders/pause", {"role": "backfill", "seen": seen})
    assert (given.status_code, given.headers["Location"]) == (303, "/events")
    program.until(lambda r: r["paused"] == ["backfill"], "a pause")
    last = program.until(lambda r: r["orders"][-1]["code"] == 0, "its answer")["orders"][-1]
    assert last["order"] == "pause backfill"
    assert last["by"].startswith("web ")
    events = get(visitor, url, "/events?kind=order").text
    assert "pause backfill" in events
    assert order(visitor, url, "/orders/resume", {"role": "backfill", "seen": seen}).status_code == 303
    program.until(lambda r: r["paused"] == [], "its end")


def test_a_setting_is_overridden_and_a_value_that_cannot_be_is_refused_in_words(visitor, program, url):
    row = {one["name"]: one for one in get(visitor, url, "/settings.json").json()["settings"]}["BACKFILL_FLOOR"]
    fields = {"name": "BACKFILL_FLOOR", "seen": row["value"]}
    refused = order(visitor, url, "/orders/set", {**fields, "value": "many"})
    assert refused.status_code == 409
    assert "BACKFILL_FLOOR" in refused.text
    assert order(visitor, url, "/orders/set", {**fields, "value": "120"}).status_code == 303
    program.until(lambda r: r["overrides"].get("BACKFILL_FLOOR") == "120", "the override")

    def shown():
        rows = get(visitor, url, "/settings.json").json()["settings"]
        return [one["value"] for one in rows if one["name"] == "BACKFILL_FLOOR"] == ["120"]

    wait_until(shown, "the page to show it")


def test_a_product_is_fetched_now_for_what_the_form_says_it_costs(visitor, program, url):
    found = wait_until(lambda: get(visitor, url, "/deals.json?within=30d").json()["deals"], "a deal")
    path = f"/product/1/{found[-1]['asin']}"
    form = get(visitor, url, path).text
    seen = re.search(r'name="seen" value="(\d+)"', form)[1]
    assert f"for up to {seen} token" in form
    for other in ("0", "", "-1", "9" * 5_000):
        assert order(visitor, url, f"{path}/refresh", {"seen": other}).status_code == 409
    given = order(visitor, url, f"{path}/refresh", {"seen": seen})
    assert given.status_code == 303
    there = given.headers["Location"]
    assert there.startswith(f"{path}?fetched=")
    typed = f"fetch {found[-1]['asin']} --domain amazon.com"
    done = program.until(lambda r: any(one["order"] == typed and one["code"] == 0 for one in r["orders"]), "the answer")
    words = next(one["words"] for one in done["orders"] if one["order"] == typed)
    assert re.fullmatch(r"(written|nothing new since \S+); charged \d+ tokens?; balance \d+", words)
    told = words[:1].upper() + words[1:]  # the beginning of a sentence
    wait_until(lambda: told in get(visitor, url, there).text, told)
    assert "The history was fetched" in get(visitor, url, path).text
    spent = get(visitor, url, "/tokens.json?by=tier").json()["spent"]
    charged = int(re.search(r"charged (\d+)", words)[1])
    assert sum(one["tokens"] for one in spent if one["name"] == "interactive") == charged


def test_no_secret_is_on_the_page_of_settings(visitor, url):
    rows = get(visitor, url, "/settings.json").json()["settings"]
    secret = {one["name"]: one["value"] for one in rows if one["name"] in {"KEEPA_API_KEY", "DATABASE_URL"}}
    assert set(secret.values()) <= {"", "•••"}


@pytest.mark.parametrize("path", LISTS)
def test_every_list_is_there_as_csv_and_json_with_the_same_rows(visitor, url, path):
    objects = get(visitor, url, path + ".json").json()
    (name,) = set(objects) - {"format"}
    rows = list(csv.DictReader(io.StringIO(get(visitor, url, path + ".csv").text)))
    assert {tuple(row) for row in rows} <= {tuple(one) for one in objects[name]} or not rows, "the same columns"
    if path in {"/settings", "/help"}:  # in the others a call or an event may come in between
        assert len(rows) == len(objects[name])


def test_a_filter_that_does_not_exist_is_refused_in_words(visitor, url):
    reply = get(visitor, url, "/events?kind=%3Cscript%3E")
    assert reply.status_code == 400
    assert "<script>" not in reply.text
    assert "order, death, fault" in reply.text


def test_live_numbers_are_sent_once_and_not_again_while_nothing_is_new(visitor, program, url):
    live = get(visitor, url, "/live.json").json()
    assert live["texts"]["capacity"] == "1,200"

    def is_unchanged():
        version = get(visitor, url, "/live.json").json()["version"]
        reply = get(visitor, url, f"/live.json?after={version}")
        return reply.status_code == 204 and not reply.content

    wait_until(is_unchanged, "a moment in which nothing is new", explain=program.tail)


def test_files_are_packed_and_kept_for_ever(visitor, url):
    page = get(visitor, url, "/").text
    paths = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(paths) == 4
    for path in paths:
        reply = get(requests, url, path)
        assert reply.status_code == 200
        assert reply.headers["Content-Encoding"] == "gzip"
        assert "immutable" in reply.headers["Cache-Control"]


def test_clients_that_never_send_a_whole_request_are_cut_off_and_keep_nobody_out(visitor, url):
    address = (urlsplit(url).hostname, urlsplit(url).port)
    slow = [socket.create_connection(address, timeout=LIMIT_S) for _ in range(40)]
    try:
        for one in slow:
            one.sendall(b"GET / HTTP/1.1\r\nHo")
        assert get(visitor, url, "/events").status_code == 200
        assert [one.recv(1) for one in slow] == [b""] * len(slow)
    finally:
        for one in slow:
            one.close()


def test_the_port_of_the_metrics_sends_a_browser_on(program, url):
    metrics = program.report()["supervisor"]["http"]
    reply = get(requests, metrics, "/", headers={"Accept": "text/html,*/*"})
    assert (reply.status_code, reply.headers["Location"]) == (303, f"{url}/")
    assert "/metrics" in get(requests, metrics, "/").text


def test_whatever_happens_to_the_process_no_visitor_is_refused_and_the_run_is_well(program, url):
    before = web_pid(program)
    os.kill(before, signal.SIGKILL)
    assert get(requests, url, "/events").status_code == 401, "who comes now waits for the next one"
    after = web_pid(program)
    assert after not in {None, before}
    report = program.until(lambda r: any(one["role"] == "web" for one in r["deaths"]), "its death, told")
    assert [one["role"] for one in report["services"]] == ["database", "simulator"]
    assert program.status()[1] == 0, "the page counts for nothing"


@pytest.mark.kill
def test_a_process_that_stands_still_is_killed_and_who_comes_then_is_served_by_another(program, url):
    assert get(requests, url, "/events").status_code == 401
    before = web_pid(program)
    freeze(before)
    report = program.until(lambda r: any(one["pid"] == before for one in r["deaths"]), "its end")
    assert next(one["cause"] for one in report["deaths"] if one["pid"] == before) == "hung"
    assert get(requests, url, "/events").status_code == 401
    assert web_pid(program) not in {None, before}
    assert program.status()[1] == 0, "the page counts for nothing"


def test_the_link_is_printed_again_and_another_token_shuts_out_who_came_with_the_old_one(program, url, token):
    assert program.command("web").stdout == f"{url}/login?token={token}\n"
    renewed = program.command("web", "--new-token").stdout.strip()
    assert renewed.startswith(f"{url}/login?token=")
    assert token not in renewed
    assert get(requests, url, "/events", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert requests.get(renewed, timeout=LIMIT_S).status_code == 200


def test_the_process_ends_with_the_supervisor(tmp_path):
    program = Program(tmp_path, WEB_PORT="0", WEB_CONTROL="off").start()
    try:
        program.until_working()
        url = program.report()["supervisor"]["web"]
        token = (program.state / "web.token").read_text().strip()
        bearer = {"Authorization": f"Bearer {token}"}
        page = get(requests, url, "/", headers=bearer)
        assert "/orders/" not in page.text, "without control there is no order to be given"
        assert order(requests, url, "/orders/reload", {"seen": ""}, **bearer).status_code == 403
        pid = web_pid(program)
        assert is_alive(pid)
        program.process.kill()
        wait_until(lambda: all_gone([pid]), "the end of the page's process")
    finally:
        program.kill()
