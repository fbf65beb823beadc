"""One running system for all tests of a session, one browser for those of a file, and a window for each."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import pytest

from tests.fakes.program.cli_program import Program
from tests.fakes.waiting import LIMIT_S

CHROMIUM = Path("/usr/bin/chromium")
LIMIT_MS = LIMIT_S * 1000


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    no_browser = pytest.mark.skip(reason=f"there is no {CHROMIUM}: `apt-get install chromium` brings it")
    for item in items:
        if here in Path(item.fspath).parents:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM.exists():
                item.add_marker(no_browser)


@pytest.fixture(scope="module")
def browser():
    """A browser for the tests of a file: while it is open, its event loop keeps other tests from running theirs."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"], timeout=LIMIT_MS)
        yield one
        one.close()


@pytest.fixture(scope="session")
def system(tmp_path_factory):
    """A run against the simulator, with everything in service."""
    one = Program(tmp_path_factory.mktemp("browser"), WEB_PORT="0", METRICS_PORT="0", LOG_LEVEL="info").start()
    try:
        one.until_working()
        yield one
        one.stop()
    finally:
        one.kill()


@pytest.fixture(scope="session")
def address(system):
    return system.report()["supervisor"]["web"]


class Visitor:
    """A window of a browser, and everything in it that should be silent."""

    def __init__(self, page, address):
        self.page = page
        self.address = address
        self.said = []
        page.set_default_timeout(LIMIT_MS)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def go(self, path):
        return self.page.goto(self.address + path, timeout=LIMIT_MS)

    def log_in(self, token):
        self.go(f"/login?token={token}")
        self.page.wait_for_url(f"{self.address}/", timeout=LIMIT_MS)

    def until(self, script, *arguments):
        """Wait until the script gives something true in the page."""
        self.page.wait_for_function(script, arg=list(arguments), timeout=LIMIT_MS)

    def look_closely(self):
        """What axe finds that keeps people from using the page: the rule, and where."""
        self.page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run()")["violations"]
        return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


@pytest.fixture
def visit(browser, system, address):
    """Opens windows in which somebody is logged in; each must have been silent at the end."""
    token = (system.state / "web.token").read_text().strip()

    @contextmanager
    def opened(*, is_silent=True, **options):
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
        try:
            visitor = Visitor(context.new_page(), address)
            visitor.log_in(token)
            yield visitor
            if is_silent:
                assert visitor.said == []
        finally:
            context.close()

    return opened
