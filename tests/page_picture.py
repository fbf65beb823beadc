"""The picture of the page in README.md: a real window of a real run against the simulator. `make picture` takes it.

It needs Chromium (`apt-get install chromium`) and a few minutes, in which the run fills the chart.
"""

import tempfile
from pathlib import Path

from tests.browser.conftest import CHROMIUM, LIMIT_MS
from tests.fakes.program.cli_program import Program

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "page.png"
MOST_BYTES = 200_000
WINDOW = {"width": 1200, "height": 860}
ROWS = 600  # products that are there before the picture is taken: the chart has a past by then


def take(folder):
    """Run against the simulator until there is something to see, and take the picture."""
    from playwright.sync_api import sync_playwright

    program = Program(folder, WEB_PORT="0", SIMULATOR_TICK_S="3", LOG_LEVEL="info", TZ="UTC").start()
    try:
        program.until_working()
        program.until(lambda r: r["counted"] and r["counted"]["rows"].get("products", 0) >= ROWS, "something to see")
        url = program.report()["supervisor"]["web"]
        token = (program.state / "web.token").read_text().strip()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
            page = browser.new_page(viewport=WINDOW, color_scheme="light")
            page.goto(f"{url}/login?token={token}", timeout=LIMIT_MS)
            page.wait_for_url(f"{url}/", timeout=LIMIT_MS)
            page.locator("[data-table=tiers]", has_text="opens in").wait_for(timeout=LIMIT_MS)
            page.screenshot(path=PICTURE)
            browser.close()
        program.stop()
    finally:
        program.kill()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        take(Path(folder))
    size = PICTURE.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{PICTURE} has {size} bytes; at most {MOST_BYTES} are wanted")
