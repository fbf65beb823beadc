"""Whoever is refused is led back to where they came from, whatever the page."""

from supervisor.web.pages import PAGES
from supervisor.web.views.way_back import way_back

PARTS = {"domain": "1", "asin": "B000000001", "name": "restart", "number": "7", "query": "q", "topic": "t"}


def test_a_refused_form_leads_to_its_page_with_what_it_was_about():
    forms = [page for page in PAGES if page.actions]
    assert len(forms) >= 5
    for page in forms:
        back = way_back(page, PARTS, {"worker": "upsert-0", "seen": "4", "value": "9", "empty": ""}, "")
        assert back is not None
        assert back.title == page.title
        assert back.address == f"{page.path.format(**PARTS)}?worker=upsert-0"


def test_a_page_that_refuses_its_filters_is_offered_without_them_and_never_again_as_it_was():
    for page in PAGES:
        address = page.path.format(**PARTS)
        refused = way_back(page, PARTS, {}, f"{address}?sort=ever")
        assert refused is not None
        assert refused.address == address
        assert way_back(page, PARTS, {}, address) is None


def test_what_came_in_an_address_stays_one_part_of_it():
    page = next(page for page in PAGES if page.path == "/product/{domain}/{asin}")
    back = way_back(page, {"domain": "1", "asin": "/x?<b>"}, {}, "")
    assert back is not None
    assert back.address == "/product/1/%2Fx%3F%3Cb%3E"
