"""Every field that the official structures document has a column of its own, or is named here as a part of one.

The names are those of keepacom/api_backend as of February 2026 (`structs/Product.java`, `Stats.java`, `Offer.java`,
`Deal.java`); each has a value of its documented type.
"""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from psycopg.rows import dict_row

from tasks.keepa.decode.fields import FIELDS
from tasks.keepa.decode.replies import Deal, Offer, Product, Stats, decode_deals, decode_products
from tasks.store import deals, migrate
from tasks.store.connection import connect
from tasks.store.products import products

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXTS = """
    parentAsin variationCSV imagesCSV manufacturer title brand productGroup partNumber model color size edition format
    author binding description urlSlug ingredients type audienceRating scent shortDescription activeIngredients
    specialIngredients itemForm itemTypeKeyword recommendedUsesForProduct pattern brandStoreName brandStoreUrl
    brandStoreUrlName websiteDisplayGroupName websiteDisplayGroup safetyWarning productBenefit targetAudienceKeyword
    style includedComponents material
"""
TEXT_LISTS = """
    parentAsinHistory upcList eanList gtinList bundleItems historicalVariations features buyBoxSellerIdHistory
    buyBoxUsedHistory frequentlyBoughtTogether specificUsesForProduct materials specialFeatures
"""
NUMBERS = """
    domainId rootCategory trackingSince listedSince numberOfItems numberOfPages publicationDate releaseDate
    packageHeight packageLength packageWidth packageWeight packageQuantity itemHeight itemLength itemWidth itemWeight
    referralFeePercent variableClosingFee lastSoldUpdate monthlySold lastUpdate lastPriceChange lastEbayUpdate
    lastStockUpdate lastRatingUpdate productType suggestedLowerPrice competitivePriceThreshold returnRate
    availabilityAmazon salesRankReference businessDiscount lastBusinessDiscountUpdate
"""
NUMBER_LISTS = """
    categories ebayListingIds monthlySoldHistory liveOffersOrder buyBoxEligibleOfferCounts coupon couponHistory
    salesRankReferenceHistory availabilityAmazonDelay
"""
FLAGS = """
    isAdultProduct isEligibleForTradeIn isHaul isEligibleForSuperSaverShipping hasReviews isRedirectASIN isSNS
    offersSuccessful isMerchOnDemand isHeatSensitive newPriceIsMAP batteriesRequired batteriesIncluded
"""
OFFER = {
    "offerId": 1, "lastSeen": 2, "sellerId": "A", "offerCSV": [1, 2, 3], "condition": 1, "conditionComment": "c",
    "isPrime": True, "isMAP": True, "isShippable": True, "isPreorder": True, "isWarehouseDeal": True,
    "shipsFromChina": True, "isAmazon": True, "isFBA": True, "isPrimeExcl": True, "primeExclCSV": [1, 2],
    "stockCSV": [1, 2], "minOrderQty": 1, "coupon": -15, "couponHistory": [1, -15],
    "offerDuplicates": [{"price": 5, "conditionComment": "d", "shipping": 0}],
}  # fmt: skip
STATS = {
    **{
        key: [1, 2]
        for key in ("current", "avg", "avg30", "avg90", "avg180", "avg365", "atIntervalStart", "lightningDealInfo")
    },
    **{key: [[1, 2], None] for key in ("min", "minInInterval", "max", "maxInInterval")},
    **{key: [True, False] for key in ("isLowest", "isLowest90")},
    **{key: [50, -1] for key in (f"outOfStockPercentage{days}" for days in ("InInterval", "90", "30"))},
    **{key: [0, 4] for key in ("stockPerCondition3rdFBA", "stockPerConditionFBM")},
    **dict.fromkeys((f"salesRankDrops{days}" for days in (30, 90, 180, 365)), 3),
    **dict.fromkeys(
        (
            *("outOfStockCountAmazon30", "outOfStockCountAmazon90", "deltaPercent90_monthlySold", "totalOfferCount"),
            *("lastOffersUpdate", "stockAmazon", "stockBuyBox", "retrievedOfferCount", "buyBoxPrice", "buyBoxShipping"),
            *("lastBuyBoxUpdate", "buyBoxMinOrderQuantity", "buyBoxMaxOrderQuantity", "buyBoxSavingBasis"),
            *("buyBoxSavingPercentage", "buyBoxUsedPrice", "buyBoxUsedShipping", "buyBoxUsedCondition"),
            *("offerCountFBA", "offerCountFBM", "buyBoxShippingTime"),  # the last one is seen on the wire only
        ),
        7,
    ),
    **dict.fromkeys(
        (
            *("buyBoxAvailabilityMessage", "buyBoxSellerId", "buyBoxShippingCountry", "buyBoxSavingBasisType"),
            "buyBoxUsedSellerId",
        ),
        "t",
    ),
    **dict.fromkeys(
        (
            *("buyBoxIsUnqualified", "buyBoxIsShippable", "buyBoxIsPreorder", "buyBoxIsFBA", "buyBoxIsUsed"),
            *("buyBoxIsBackorder", "buyBoxIsAmazon", "buyBoxIsMAP", "buyBoxIsPrimeExclusive", "buyBoxIsPrimeEligible"),
            *("buyBoxIsFreeShippingEligible", "buyBoxIsPrimePantry", "buyBoxUsedIsFBA", "isAddonItem"),
        ),
        True,
    ),
    **{key: {"A": {"percentageWon": 1.5, "avgPrice": 3}} for key in ("buyBoxStats", "buyBoxUsedStats")},
    **{key: ["A"] for key in ("sellerIdsLowestFBA", "sellerIdsLowestFBM")},
}
PRODUCT = {
    "asin": "B000000001",
    **dict.fromkeys(TEXTS.split(), "t"),
    **{key: ["1", "t"] for key in TEXT_LISTS.split()},
    **dict.fromkeys(NUMBERS.split(), 1),
    **{key: [0, 1] for key in NUMBER_LISTS.split()},
    **dict.fromkeys(FLAGS.split(), True),
    "images": [{"l": "a.jpg", "lH": 1}], "categoryTree": [{"catId": 1, "name": "c"}], "languages": [["a", "b"]],
    "contributors": [["a", "b"]], "referralFeePercentage": 15.0, "hazardousMaterials": [{"aspect": "a", "value": "v"}],
    "promotions": [{"type": "SNS", "amount": -1}], "variations": [{"asin": "B000000002", "attributes": []}],
    "fbaFees": {"lastUpdate": 1, "storageFee": 2, "storageFeeTax": 3, "pickAndPackFee": 4, "pickAndPackFeeTax": 5},
    "salesRanks": {"1": [1, 2]}, "unitCount": {"unitValue": 1.5, "unitType": "Ounce", "eachUnitCount": 1.0},
    "videos": [{"title": "t", "duration": 36, "creator": "Seller"}], "formats": [{"asin": "B000000002", "format": "f"}],
    "aPlus": [{"fromManufacturer": True, "module": [{"text": ["t"], "image": ["i"]}]}], "deals": [{"badge": "b"}],
    "reviews": {"lastUpdate": 9, "ratingCount": [1, 10, 2, 11], "reviewCount": [3, 4]},
    "csv": [[1, 2]], "stats": STATS, "offers": [OFFER],
    "primeDealEndTime": 8,  # seen on the wire only
}  # fmt: skip
DEAL = {
    "asin": "B000000001", "parentAsin": "p", "title": "t", "delta": [[1]] * 4, "deltaPercent": [[1]] * 4,
    "deltaLast": [1], "avg": [[1]] * 4, "current": [1], "rootCat": 1, "creationDate": 1, "image": [65, 66],
    "categories": [1], "lastUpdate": 1, "lightningEnd": 1, "minRating": 20, "warehouseCondition": 2,
    "warehouseConditionComment": "w", "currentSince": [1],
}  # fmt: skip
# What has no column of its own name: where it is instead.
ELSEWHERE = {
    Product: {
        "domainId": "the column domain",
        "csv": "price_series",
        "offers": "offers",
        "fbaFees": "columns fba_...",
        "reviews": "the column reviews_last_update, and price_series",
        "salesRanks": "columns sales_rank_..., sales_rank_history and the function products.sales_ranks",
    },
    Offer: {"offerCSV": "minutes, prices and shipping"},
    Deal: {},
}
# Of the figures only these have columns too; all are in the column stats, as received.
FIGURES = {
    "stockPerCondition3rdFBA", "stockPerConditionFBM", "stockAmazon", "stockBuyBox", "buyBoxSavingBasis",
    "buyBoxSavingBasisType", "buyBoxSavingPercentage", "buyBoxShippingTime",
}  # fmt: skip
NAMES = {kind: {one.encode_name: one.name for one in msgspec.structs.fields(kind)} for kind in FIELDS}
COLUMN = {(Deal, "image"): "image"}


def row(conn, table):
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"SELECT * FROM {table}").fetchone()


@pytest.fixture
def stored(conn):
    """The table's row of a product with every documented field."""
    (found,) = decode_products(json.dumps({"products": [PRODUCT], "timestamp": 1}).encode()).products
    with conn.transaction():
        written = products.write(conn, 1, [found], fetched_at=NOON, has_history=True)
    assert (written.inserted, written.refused, written.series, written.offers) == (1, 0, 3, 1)
    return row(conn, "products")


def test_the_lists_above_are_as_long_as_the_structures():
    seen = {"primeDealEndTime", "buyBoxShippingTime"}
    assert [len(body.keys() - seen) for body in (PRODUCT, STATS, OFFER, DEAL)] == [128, 66, 21, 18]


def test_each_field_of_a_product_is_in_its_column(stored):
    for name, value in PRODUCT.items():
        if name not in {"stats", *ELSEWHERE[Product]}:
            assert stored[NAMES[Product][name]] == value, name
    assert stored["extra"] is None
    fees = ("fba_fees_last_update", "fba_storage_fee", "fba_storage_fee_tax", "fba_pick_and_pack_fee")
    assert [stored[name] for name in (*fees, "fba_pick_and_pack_fee_tax")] == [1, 2, 3, 4, 5]
    assert stored["reviews_last_update"] == 9


def test_each_figure_is_in_stats_and_those_that_people_filter_by_in_a_column(stored):
    assert stored["stats"] == STATS
    assert {name: stored[NAMES[Stats][name]] for name in FIGURES} == {name: STATS[name] for name in FIGURES}


@pytest.mark.usefixtures("stored")
def test_each_field_of_an_offer_is_in_its_column(conn):
    offer = row(conn, "offers")
    for name in OFFER.keys() - ELSEWHERE[Offer].keys():
        assert offer[NAMES[Offer][name]] == OFFER[name], name
    assert offer["extra"] is None


def test_each_field_of_a_deal_is_in_its_column(conn):
    (found,) = decode_deals(json.dumps({"deals": {"dr": [DEAL]}}).encode()).deals
    with conn.transaction():
        deals.write(conn, 1, [found], seen_at=NOON)
    deal = row(conn, "deals")
    for name in DEAL.keys() - {"image"}:
        assert deal[NAMES[Deal][name]] == DEAL[name], name
    assert (deal["image"], deal["extra"]) == ("AB", None)


@pytest.mark.usefixtures("stored")
def test_the_counts_of_a_variation_are_histories_like_all_others(conn):
    points = conn.execute(
        "SELECT price_type, value, price FROM price_history WHERE price_type_id >= 1000 ORDER BY price_type_id, at"
    ).fetchall()
    assert points == [
        ("COUNT_VARIATION_RATINGS", 10, None),
        ("COUNT_VARIATION_RATINGS", 11, None),
        ("COUNT_VARIATION_REVIEWS", 4, None),
    ]
    later = {**PRODUCT, "lastUpdate": 2, "reviews": {"lastUpdate": 10, "reviewCount": [3, 4, 9, 5]}}
    (found,) = decode_products(json.dumps({"products": [later]}).encode()).products
    with conn.transaction():
        assert products.write(conn, 1, [found], fetched_at=NOON, has_history=True).series == 1
    series = conn.execute("SELECT price_type, minutes, prices FROM price_series WHERE price_type >= 1000 ORDER BY 1")
    assert series.fetchall() == [(1000, [1, 2], [10, 11]), (1001, [3, 9], [4, 5])]


def test_a_cut_count_costs_its_product_the_two_counts_only(conn):
    cut = {**PRODUCT, "reviews": {"lastUpdate": 9, "reviewCount": [1, 2, 3]}}
    batch = decode_products(json.dumps({"products": [cut]}).encode())
    assert batch.odd[0].notes == ("reviews: reviews.reviewCount: 3 values do not make whole groups",)
    with conn.transaction():
        written = products.write(conn, 1, batch.products, fetched_at=NOON, has_history=True)
    assert (written.inserted, written.refused, written.series) == (1, 0, 1)
    assert row(conn, "products")["extra"] == {"reviews": cut["reviews"]}


def test_what_an_older_build_put_into_extra_is_read_by_one_query_and_replaced_when_it_is_fetched_again(
    empty_database_url,
):
    with connect(empty_database_url, application_name="test", autocommit=True) as conn:
        every = migrate.bundled_migrations()
        migrate.apply_migrations(conn, [one for one in every if one.number < 18])
        conn.execute(
            "INSERT INTO products (domain, asin, is_found, last_update, extra, first_fetched_at, fetched_at)"
            """ VALUES (1, 'B000000001', true, 1, '{"isHaul": true, "new": 1}', now(), now())"""
        )
        file = conn.execute("SELECT pg_relation_filenode('products')").fetchone()
        assert migrate.apply_migrations(conn) == [one.name for one in every if one.number >= 18]
        assert conn.execute("SELECT pg_relation_filenode('products')").fetchone() == file  # nothing was rewritten
        read = "SELECT is_haul, coalesce(is_haul, (extra->>'isHaul')::boolean), extra FROM products"
        assert conn.execute(read).fetchone() == (None, True, {"isHaul": True, "new": 1})
        newer = {"asin": "B000000001", "title": "t", "lastUpdate": 2, "isHaul": False, "new": 1}
        (found,) = decode_products(json.dumps({"products": [newer]}).encode()).products
        with conn.transaction():
            products.write(conn, 1, [found], fetched_at=NOON, has_history=False)
        assert conn.execute(read).fetchone() == (False, False, {"new": 1})
