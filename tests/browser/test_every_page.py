"""Every page in a real browser: silent, whole in a narrow window, and nothing that keeps anybody from using it."""

import re

import pytest

from supervisor.web.pages import PAGES

ORDERS = ("/orders/pause?role=backfill", "/orders/scale?role=upsert", "/orders/set?name=BACKFILL_FLOOR")
MORE = ("/deals?resale=yes&within=30d", "/help/operations")  # with all fields and columns there are
PATHS = [page.path for page in PAGES if page.in_navigation] + [*ORDERS, *MORE]
NARROW, WIDE = 320, 1200


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", NARROW),
        ("dark", WIDE),
        pytest.param("light", WIDE, marks=pytest.mark.kill),
        pytest.param("dark", NARROW, marks=pytest.mark.kill),
    ],
)
def test_every_page_can_be_used_by_everybody(visit, scheme, width):
    looks = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}, "reduced_motion": "reduce"}
    # axe needs a page without the policy; that each page is silent with it is seen on a first visit.
    with visit(**looks, bypass_csp=True) as visitor:
        for path in PATHS:
            assert visitor.go(path).status == 200
            assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width, path
            small = visitor.page.evaluate(
                """() => [...document.querySelectorAll("a, button, summary, input, select")]
                .filter(one => one.offsetParent && !one.classList.contains("skip") && !one.closest("p, dd, .document"))
                .filter(one => one.getBoundingClientRect().height < 24).map(one => one.outerHTML)"""
            )
            assert small == [], path
            cut = visitor.page.evaluate(
                """() => [...document.querySelectorAll("h1, h2, caption, p, legend, button")]
                .filter(one => one.offsetParent).filter(one => one.getBoundingClientRect().right > innerWidth)
                .map(one => one.outerHTML)"""
            )
            assert cut == [], path
            assert visitor.look_closely() == [], path


def test_a_first_visit_is_small_and_asks_no_other_host(visit, address):
    asked, sizes = {}, {}  # by request; what is left of the page before may arrive while the next one is opened
    with visit() as visitor:
        visitor.page.route("**/live.json*", lambda route: route.abort())
        wire = visitor.page.context.new_cdp_session(visitor.page)
        wire.send("Network.enable")
        wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
        wire.on("Network.requestWillBeSent", lambda one: asked.setdefault(one["requestId"], one["request"]["url"]))
        wire.on("Network.loadingFinished", lambda one: sizes.update({one["requestId"]: one["encodedDataLength"]}))
        for path in PATHS:
            asked.clear()
            visitor.go(path)
            urls = [url for url in asked.values() if not url.startswith("data:")]
            assert all(url.startswith(address) for url in urls), path
            assert len(urls) <= 7, path
            assert sum(sizes.get(one, 0) for one in asked) <= 60_000, path
        # What was not let through, so that the first visit alone is counted, is all that is said.
        assert [one for one in visitor.said if "net::ERR_FAILED" not in one] == []
        visitor.said.clear()


def test_every_page_reads_without_javascript_and_every_link_leads_somewhere(visit):
    seen, left = set(), ["/"]
    with visit(java_script_enabled=False) as visitor:
        while left:
            path = left.pop(0)  # one level after the other, or the products of a list would take all the time
            if path in seen:
                continue
            seen.add(path)
            reply = visitor.go(path)
            assert reply.status == 200, path
            if "html" not in reply.headers["content-type"]:
                continue
            text = reply.text()
            assert re.search(r"<h1[ >]", text), path
            found = visitor.page.eval_on_selector_all("a[href^='/']", "all => all.map(one => one.getAttribute('href'))")
            left += [one.partition("#")[0] for one in found if not re.search(r"\.(csv|json)(\?|$)", one)]
            if len(seen) > 60:
                break
        assert {"/events", "/settings", "/help"} <= seen
        assert any(path.startswith("/orders/pause") for path in seen)
