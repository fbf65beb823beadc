"""What the simulator answers over real sockets: pages of deals, products, histories and offers."""

from __future__ import annotations

import json

from tests.fixtures.simulator_calls import SELECTION, call, deal, envelope, products


def test_token_tells_the_account_and_costs_nothing_at_any_balance(make):
    sim, _ = make(start_balance=-7)
    assert call(sim, "/token") == (200, envelope(-7))
    assert sim.control()["spent"] == 0


def test_a_deal_page_costs_five_also_when_it_is_empty(make):
    sim, _ = make()
    status, first = deal(sim)
    assert (status, first["tokensConsumed"], first["tokensLeft"]) == (200, 5, 295)
    assert first["dealsCached"] is False
    _, past = deal(sim, SELECTION | {"page": 40})
    assert past["deals"]["dr"] == []
    assert past["deals"]["drDateIndex"] == []
    assert past["deals"]["categoryIds"] == first["deals"]["categoryIds"]
    assert (past["tokensConsumed"], past["tokensLeft"]) == (5, 290)


def test_get_and_post_with_and_without_slash_give_the_same_page(make):
    sim, _ = make()
    text = json.dumps(SELECTION)
    pages = [
        deal(sim)[1]["deals"],
        deal(sim, path="/deal/")[1]["deals"],
        call(sim, "/deal/", {"domain": 1}, body=text)[1]["deals"],
        call(sim, "/deal", body=text)[1]["deals"],
    ]
    assert pages[0]["dr"]
    assert pages.count(pages[0]) == 4


def test_a_plain_product_costs_one_and_comes_back_in_the_order_asked(make):
    sim, _ = make()
    asins = [*products(sim, 3)[::-1], "B0ZZZZZZZZ"]
    status, body = call(sim, "/product", {"domain": 1, "asin": ",".join(asins)})
    assert (status, body["tokensConsumed"]) == (200, 4)
    assert [product["asin"] for product in body["products"]] == asins
    unknown = body["products"][-1]
    assert (unknown["productType"], unknown["csv"], unknown["title"]) == (4, None, None)
    assert "stats" not in body["products"][0]


def test_a_product_that_deals_show_may_have_no_data(make):
    sim, _ = make(closed_share=1.0)
    (asin,) = products(sim, 1)
    _, body = call(sim, "/product", {"domain": 1, "asin": asin})
    assert (body["products"][0]["productType"], body["products"][0]["csv"]) == (3, None)
    assert body["tokensConsumed"] == 1


def test_malformed_asins_with_offers_cost_nothing(make):
    sim, _ = make()
    asins = ",".join(f'="B{n:09d}"' for n in range(50))
    status, body = call(sim, "/product", {"domain": 1, "asin": asins, "offers": 20})
    assert (status, body["tokensConsumed"]) == (200, 0)
    assert "products" not in body


def test_a_product_is_found_by_its_code(make):
    sim, _ = make()
    (asin,) = products(sim, 1)
    _, body = call(sim, "/product", {"domain": 1, "asin": asin})
    code = body["products"][0]["eanList"][0]
    _, found = call(sim, "/product", {"domain": 1, "code": f"{code},4006381333931"})
    assert [product["asin"] for product in found["products"]] == [asin]
    assert found["tokensConsumed"] == 1


def test_history_0_leaves_keys_without_lists_at_the_same_price(make):
    sim, _ = make()
    (asin,) = products(sim, 1)
    whole = call(sim, "/product", {"domain": 1, "asin": asin, "offers": 20})[1]
    bare = call(sim, "/product", {"domain": 1, "asin": asin, "offers": 20, "history": 0})[1]
    assert bare["tokensConsumed"] == whole["tokensConsumed"]
    assert list(bare["products"][0]) == list(whole["products"][0])
    for name in ("csv", "buyBoxSellerIdHistory", "salesRankReferenceHistory"):
        assert bare["products"][0][name] is None
    assert all(len(points) == 2 for points in bare["products"][0]["salesRanks"].values())


def test_types_that_need_offers_stay_away_without_them(make):
    sim, _ = make()
    asin = ",".join(products(sim, 20))
    plain = call(sim, "/product", {"domain": 1, "asin": asin})[1]["products"]
    rich = call(sim, "/product", {"domain": 1, "asin": asin, "offers": 20})[1]["products"]
    rated = call(sim, "/product", {"domain": 1, "asin": asin, "rating": 1, "buybox": 1})[1]["products"]
    needs_offers = {7, 9, 10, 15, *range(19, 28), 31, 32, 33}
    for one, other, third in zip(plain, rich, rated, strict=True):
        present, more, some = ({n for n, s in enumerate(p["csv"]) if s} for p in (one, other, third))
        assert not present & (needs_offers | {16, 17, 18})
        assert not some & needs_offers
        assert present <= some <= more
        assert 15 in more
    assert any(16 in {n for n, s in enumerate(product["csv"]) if s} for product in rated)


def test_days_cut_the_history_but_keep_the_current_value(make):
    sim, _ = make()
    (asin,) = products(sim, 1)
    whole = call(sim, "/product", {"domain": 1, "asin": asin})[1]["products"][0]["csv"]
    short = call(sim, "/product", {"domain": 1, "asin": asin, "days": 30})[1]["products"][0]["csv"]
    assert len(short[1]) < len(whole[1])
    for old, new in zip(whole, short, strict=True):
        assert (old is None) == (new is None)
        assert old is None or old[-len(new) :] == new


def test_live_offers_bear_out_the_counts_the_price_and_the_cost(make):
    sim, _ = make(start_balance=10_000)
    asin = ",".join(products(sim, 60))
    body = call(sim, "/product", {"domain": 1, "asin": asin, "offers": 100, "stats": 90})[1]
    cost = priced = 0
    for product in body["products"]:
        live = [product["offers"][at] for at in product["liveOffersOrder"]]
        assert product["offersSuccessful"] == bool(live)
        assert product["stats"]["retrievedOfferCount"] == len(live)
        cost += 6 * -(-len(live) // 10) or 1
        current = product["stats"]["current"]
        new = [offer for offer in live if offer["condition"] == 1]
        if new and current[7] > 0:
            priced += 1
            assert len(new) == current[11]
            assert min(sum(offer["offerCSV"][-2:]) for offer in new if not offer["isFBA"]) == current[7]
        for offer in product["offers"]:
            minutes = offer["offerCSV"][::3]
            assert minutes == sorted(set(minutes))
    assert body["tokensConsumed"] == cost
    assert priced > 20


def test_only_live_offers_leaves_out_the_old_ones(make):
    sim, _ = make(start_balance=10_000)
    asin = ",".join(products(sim, 10))
    everything = call(sim, "/product", {"domain": 1, "asin": asin, "offers": 20})[1]["products"]
    live = call(sim, "/product", {"domain": 1, "asin": asin, "offers": 20, "only-live-offers": 1})[1]["products"]
    for one, other in zip(everything, live, strict=True):
        assert [one["offers"][at] for at in one["liveOffersOrder"]] == [
            other["offers"][at] for at in other["liveOffersOrder"]
        ]
        assert len(other["offers"]) == len(other["liveOffersOrder"])
    assert sum(len(product["offers"]) for product in live) < sum(len(product["offers"]) for product in everything)


def test_among_products_what_has_no_form_is_one_that_is_not_there(make):
    sim, _ = make()
    (asin,) = products(sim, 1)
    body = call(sim, "/product", {"domain": 1, "asin": f"{asin},AAAAAAAAAA"})[1]
    assert [product["productType"] for product in body["products"]] == [0, 4]
    assert body["tokensConsumed"] == 1


def test_products_are_ahead_of_the_deals_they_were_found_in(make):
    sim, _ = make(start_balance=300)
    rows = {row["asin"]: row for row in deal(sim)[1]["deals"]["dr"][:60]}
    fetched = call(sim, "/product", {"domain": 1, "asin": ",".join(rows), "stats": 90})[1]["products"]
    newer = [product for product in fetched if product["lastUpdate"] > rows[product["asin"]]["lastUpdate"]]
    assert len(newer) > 20
    assert any(product["stats"]["current"] != rows[product["asin"]]["current"] for product in newer)
    again = {row["asin"]: row for row in deal(sim)[1]["deals"]["dr"]}
    assert all(again[asin] == row for asin, row in rows.items())
