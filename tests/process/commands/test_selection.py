"""`selection check|explain|preview|add|example` as a person types them."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import pytest

from supervisor.selections.examples import EXAMPLES
from tasks.errors import ConfigError
from tasks.keepa.selection.page_link import page_link
from tasks.keepa.selection.selection import default_selection, parse

KEY = "aB3" * 21 + "x"

WIDE = {"domainId": 1, "priceTypes": [1], "dateRange": 3, "isFilterEnabled": False, "isRangeEnabled": False}


def test_without_a_selection_those_of_the_settings_are_explained(here):
    code, out, _ = here("selection", "explain")
    assert code == 0
    assert "default, amazon.com asks for products of amazon.com whose price NEW has fallen" in out
    assert page_link(default_selection()) in out
    told = json.loads(here("selection", "explain", "--json")[1])
    assert told["selections"][0]["key"] == default_selection().key


@pytest.mark.parametrize("how", ["a file", "standard input", "the text itself", "an address"])
def test_a_selection_is_taken_however_it_is_given(here, how, tmp_path, monkeypatch):
    text = json.dumps(WIDE)
    (tmp_path / "mine.json").write_text(text)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
    link = page_link(parse(WIDE, name="s"))
    source = {"a file": "mine.json", "standard input": "-", "the text itself": text, "an address": link}[how]
    code, out, err = here("selection", "check", source)
    assert (code, err) == (0, "")
    assert out == f"{'mine' if how == 'a file' else 'pasted'}, amazon.com: valid\n"


def test_every_fault_of_every_source_is_told_and_a_key_in_an_address_is_not(here, tmp_path):
    (tmp_path / "bad.json").write_text('{"priceTypes": [1, 2], "sortTyp": 1}')
    call = f"https://api.keepa.com/deal?key={KEY}&selection={json.dumps(WIDE)}"
    code, out, err = here("selection", "check", "bad.json", "nowhere.json", call)
    assert code == 78
    assert out == "pasted, amazon.com: valid\n"
    for words in (
        "exactly one price type",
        "did you mean sortType?",
        "nowhere.json cannot be read",
        "has an API key in it",
    ):
        assert words in err
    assert KEY not in out + err


def test_one_that_names_no_shop_is_for_each_of_the_settings(here):
    out = here("selection", "explain", '{"priceTypes": [1]}', KEEPA_DOMAINS="1,3")[1]
    assert ("pasted, amazon.com asks for" in out, "pasted, amazon.de asks for" in out) == (True, True)


def test_an_example_can_be_added_and_is_then_one_of_the_settings(here, tmp_path):
    names = here("selection", "example")[1]
    assert all(f"{name}: " in names for name in (*EXAMPLES, "default"))
    for name in EXAMPLES:
        text = here("selection", "example", name)[1]
        code, out, _ = here("selection", "add", name, text, SELECTIONS=str(tmp_path / "wanted"))
        assert (code, f"written to {tmp_path}/wanted/{name}.json" in out) == (0, True)
    kept = json.loads((tmp_path / "wanted" / "warehouse-bargains.json").read_text())
    assert "domainId" not in kept
    told = json.loads(here("selection", "check", "--json")[1])
    assert {one["name"] for one in told["selections"]} == set(EXAMPLES)


@pytest.mark.parametrize(
    ("arguments", "where", "words"),
    [
        (("mine", json.dumps(WIDE)), "", "SELECTIONS is not set"),
        (("mine", json.dumps(WIDE)), "one.json,two.json", "put the new one beside them"),
        (("../mine", json.dumps(WIDE)), "wanted", "cannot be a selection's name"),
        (("there", json.dumps(WIDE)), "wanted", "is there already"),
        (("twin", json.dumps(WIDE | {"sortType": 4})), "wanted", "twin asks for the same as there"),
        (("bad", '{"priceTypes": []}'), "wanted", "priceTypes: is missing"),
        (("german", json.dumps(WIDE | {"domainId": 3, "dateRange": 2})), "wanted", "german asks for the same as any"),
    ],
)
def test_what_cannot_be_added_says_what_to_do_and_writes_nothing(here, tmp_path, arguments, where, words):
    (tmp_path / "wanted").mkdir()
    (tmp_path / "wanted" / "there.json").write_text(json.dumps(WIDE))
    any_shop = {name: value for name, value in WIDE.items() if name != "domainId"}
    (tmp_path / "wanted" / "any.json").write_text(json.dumps(any_shop | {"dateRange": 2}))
    with pytest.raises(ConfigError, match=words):
        here("selection", "add", *arguments, SELECTIONS=where, KEEPA_DOMAINS="3")
    assert sorted(path.name for path in (tmp_path / "wanted").iterdir()) == ["any.json", "there.json"]


def test_with_keys_nothing_is_added_where_their_own_files_say_what_is_collected(here, tmp_path):
    with pytest.raises(ConfigError, match="each file of the folder KEYS") as caught:
        here("selection", "add", "mine", json.dumps(WIDE), SELECTIONS="", KEYS=str(tmp_path))
    assert "built-in selection is collected" not in str(caught.value)


def test_a_source_is_added_as_a_selection_is(here, tmp_path):
    best = {"source": "bestsellers", "categoryId": 283155, "refresh": "7d"}
    (tmp_path / "best.json").write_text(json.dumps(best))
    code, out, _ = here("selection", "add", "books", "best.json", SELECTIONS=str(tmp_path / "wanted"))
    assert (code, "books, amazon.com asks for" in out, "every 7d" in out, "it names no shop" in out) == (0, *[True] * 3)
    assert json.loads((tmp_path / "wanted" / "books.json").read_text()) == best
    assert here("selection", "check")[1] == "books, amazon.com: valid, a source of products\n"
    seller = {"source": "seller", "sellerId": "A2L77EE7U53NWQ", "domainId": 3}
    assert "it names no shop" not in here("selection", "add", "shop", json.dumps(seller))[1]
    with pytest.raises(ConfigError, match="twin asks for the same as books"):
        here("selection", "add", "twin", json.dumps(best | {"refresh": "1d"}))
    with pytest.raises(ConfigError, match="sellerId: must be the id of one seller"):
        here("selection", "add", "odd", json.dumps(seller | {"sellerId": "nobody"}))
    assert sorted(path.name for path in (tmp_path / "wanted").iterdir()) == ["books.json", "shop.json"]


def test_a_source_whose_products_cannot_be_priced_is_not_written(here, tmp_path):
    best = json.dumps({"source": "bestsellers", "categoryId": 283155, "refresh": "7d"})
    with pytest.raises(ConfigError, match="BACKFILL_DETAIL"):
        here("selection", "add", "books", best, SELECTIONS=str(tmp_path / "wanted"), BACKFILL_DETAIL="all")
    assert not (tmp_path / "wanted").exists()


def test_an_example_that_there_is_not_names_those_there_are(here):
    with pytest.raises(ConfigError, match="there is no example 'nothing'; there are warehouse-bargains"):
        here("selection", "example", "nothing")


def test_a_source_is_checked_and_explained_and_no_page_of_it_is_asked_for(here, tmp_path):
    (tmp_path / "toys.json").write_text('{"source": "bestsellers", "categoryId": 283155, "refresh": "7d"}')
    (tmp_path / "odd.json").write_text('{"source": "seller", "sellerId": "nobody"}')
    code, out, err = here("selection", "check", "toys.json", "odd.json", KEEPA_DOMAINS="1,3")
    assert (code, out.splitlines()) == (
        78,
        ["toys, amazon.com: valid, a source of products", "toys, amazon.de: valid, a source of products"],
    )
    assert "source odd: 1 fault" in err
    assert "sellerId: must be the id of one seller" in err
    _, out, _ = here("selection", "explain", "toys.json", KEEPA_DOMAINS="1")
    assert "toys, amazon.com asks for up to 100,000 best sellers of the category 283155" in out
    assert "every 7d, for 50 tokens each time." in out
    assert "Backfill fetches each of its products once (history), for 1 token; how many they are is known" in out
    (tmp_path / "odd.json").unlink()
    told = json.loads(here("selection", "explain", "--json", SELECTIONS=str(tmp_path))[1])
    assert [(one["name"], one["products"], one["tokens_once"]) for one in told["sources"]] == [("toys", None, None)]
    with pytest.raises(ConfigError, match=r"toys, amazon\.com is a source of products and no selection"):
        here("selection", "preview", "toys.json")


def test_a_plan_has_lists_and_sources_beside_the_selections_and_further_ones(here, shop, tmp_path):
    (tmp_path / "wanted").mkdir()
    (tmp_path / "wanted" / "wide.json").write_text(json.dumps(WIDE))
    (tmp_path / "wanted" / "best.json").write_text('{"source": "bestsellers", "categoryId": 283155, "refresh": "12h"}')
    (tmp_path / "mine.txt").write_text("# refresh: 6h\n# detail: stats\nB08N5WRWNW\nB07FZ8S74R\n")
    (tmp_path / "more.csv").write_text("asin\nB08N5WRWNW\nB07FZ8S74R\nB000000001\n")
    (tmp_path / "shop.json").write_text('{"source": "seller", "sellerId": "A2L77EE7U53NWQ"}')
    settings = {"KEEPA_BASE_URL": shop.url, "SELECTIONS": str(tmp_path / "wanted"), "WATCH": "mine.txt"}
    day = json.loads(here("plan", "--yes", "--json", **settings)[1])["day"]
    assert (day["lists"], day["sources"]) == (2 * 4, 2 * 50)
    assert day["tokens"] == pytest.approx(sum(one["total"] for one in [*day["selections"], *day["others"]]))
    more = json.loads(here("plan", "more.csv", "shop.json", "--yes", "--json")[1])
    new = {one["name"]: one["total"] for one in more["day"]["others"] if one["is_new"]}
    assert new == {"more, amazon.com": 3, "shop, amazon.com": 10}
    assert more["without_new"]["lists"] == 8
    code, out, err = here("plan", "more.csv", "mine.txt", "--yes")
    assert (code, "mine is in the settings already, and counted once" in err) == (0, True)
    for words in (
        "mine, amazon.com (list)", "more, amazon.com (new list)", "best, amazon.com (source)",
        "lists: 11 tokens, which upsert pays", "sources: 100 tokens, which backfill pays",
        "best, amazon.com: a reading costs 50 tokens, and each product that it adds 1 once",
        "without lists and sources:", "it was never read how many products they list: best, amazon.com",
        "without the new ones:",
    ):  # fmt: skip
        assert words in out
    with pytest.raises(ConfigError, match="no ASIN"):
        (tmp_path / "odd.txt").write_text("nonsense\n")
        here("plan", "odd.txt")
