"""One product as `/product` sends it.

Most fields are absent or null when there is no data, so nearly all are optional here. Fields the API documents but
which are not listed below arrive in `extra`, untouched. Times are Keepa minutes, money is in the smallest unit.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tasks.keepa.deal import Asin, Int4, Int8
from tasks.keepa.product_stats import Stats

NO_ACCESS: Final = 3  # `productType` of a product whose data nobody can see
# What there is of known products alone; it may not fit its field and lie in `extra`.
_TELLING: Final = frozenset({"title", "csv", "lastUpdate", "productType"})
INVALID: Final = 4  # `productType` of an ASIN that never was one


class Offer(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, forbid_unknown_fields=True, rename="camel"
):
    """One seller's offer, old ones included: live is what `Product.live_offers_order` points at.

    Attributes:
        condition: 0 unknown, 1 new, 2 to 5 used, 6 refurbished, 7 to 10 collectible.
        offer_csv: triples of minute, price, shipping, newest last.
        stock_csv: pairs of minute and stock.
        coupon: positive an amount, negative percent.
        offer_duplicates: the same seller's dearer offers of that condition: `price`, `shipping`, `conditionComment`.
        extra: fields this build does not know; None when there are none.
    """

    offer_id: Int4 | None = None
    seller_id: str | None = None
    last_seen: Int4 | None = None
    condition: Int4 | None = None
    condition_comment: str | None = None
    offer_csv: list[Int4] | None = msgspec.field(name="offerCSV", default=None)
    stock_csv: list[Int4] | None = msgspec.field(name="stockCSV", default=None)
    prime_excl_csv: list[Int4] | None = msgspec.field(name="primeExclCSV", default=None)
    coupon: Int4 | None = None
    coupon_history: list[Int4] | None = None
    offer_duplicates: list[dict[str, Any]] | None = None
    last_stock_update: Int4 | None = None
    min_order_qty: Int4 | None = None
    is_amazon: bool | None = None
    is_fba: bool | None = msgspec.field(name="isFBA", default=None)
    is_prime: bool | None = None
    is_prime_excl: bool | None = None
    is_map: bool | None = msgspec.field(name="isMAP", default=None)
    is_shippable: bool | None = None
    is_preorder: bool | None = None
    is_warehouse_deal: bool | None = None
    is_scam: bool | None = None
    is_addon_item: bool | None = None
    ships_from_china: bool | None = None
    extra: dict[str, Any] | None = msgspec.field(name="$extra", default=None)


class FbaFees(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, forbid_unknown_fields=True, rename="camel"
):
    """What Amazon takes for picking and packing, and for storage where it says so."""

    last_update: Int4 | None = None
    pick_and_pack_fee: Int4 | None = None
    pick_and_pack_fee_tax: Int4 | None = None
    storage_fee: Int4 | None = None
    storage_fee_tax: Int4 | None = None
    extra: dict[str, Any] | None = msgspec.field(name="$extra", default=None)


class CategoryNode(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, forbid_unknown_fields=True, rename="camel"
):
    """One step of the way from the root category to the product's own."""

    cat_id: int
    name: str | None = None
    extra: dict[str, Any] | None = msgspec.field(name="$extra", default=None)


class Reviews(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, forbid_unknown_fields=True, rename="camel"
):
    """How often this variation alone was rated and reviewed; there with `rating=` only.

    Attributes:
        last_update: Keepa minute.
        rating_count: pairs of minute and number; the server has added nothing since April 2025.
        review_count: likewise, and goes on.
        extra: fields this build does not know; None when there are none.
    """

    last_update: Int4 | None = None
    rating_count: list[Int4] | None = None
    review_count: list[Int4] | None = None
    extra: dict[str, Any] | None = msgspec.field(name="$extra", default=None)


class Product(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, forbid_unknown_fields=True, rename="camel"
):
    """A product with what was asked for: history in `csv`, figures in `stats`, sellers in `offers`.

    Attributes:
        product_type: 0 standard, 1 download, 2 e-book, 3 no access, 4 invalid, 5 variation parent.
        listed_since: may be below 1 or in the future.
        sales_ranks: by category id, pairs of minute and rank.
        buy_box_seller_id_history: "minute", "seller" in turn; seller "-1" none, "-2" unknown.
        csv: by price type, flat groups of minute and values (`prices.decode`), None for an absent type; None altogether
            without history.
        availability_amazon: -1 no offer, 0 in stock, 1 to 4 later.
        live_offers_order: indices into `offers` of those that stand now.
        return_rate: 1 low, 2 high, None average or not known.
        availability_amazon_delay: least and most hours until Amazon sends it.
        prime_deal_end_time: Keepa minute; seen on the wire, described nowhere.
        extra: fields this build does not know, as received; None when there are none.
    """

    asin: Asin
    domain_id: int | None = None
    title: str | None = None
    product_type: Int4 | None = None
    parent_asin: str | None = None
    root_category: Int8 | None = None
    categories: list[Int8] | None = None
    category_tree: list[CategoryNode] | None = None
    images: list[dict[str, Any]] | None = None
    images_csv: str | None = msgspec.field(name="imagesCSV", default=None)
    ean_list: list[str] | None = None
    upc_list: list[str] | None = None
    gtin_list: list[str] | None = None
    variations: list[dict[str, Any]] | None = None
    variation_csv: str | None = msgspec.field(name="variationCSV", default=None)
    historical_variations: list[str] | None = None
    bundle_items: list[str] | None = None
    parent_asin_history: list[str] | None = None

    a_plus: list[dict[str, Any]] | None = None
    active_ingredients: str | None = None
    audience_rating: str | None = None
    author: str | None = None
    batteries_included: bool | None = None
    batteries_required: bool | None = None
    binding: str | None = None
    brand: str | None = None
    brand_store_name: str | None = None
    brand_store_url: str | None = None
    brand_store_url_name: str | None = None
    color: str | None = None
    contributors: list[list[str]] | None = None
    description: str | None = None
    edition: str | None = None
    features: list[str] | None = None
    format: str | None = None
    formats: list[dict[str, Any]] | None = None
    frequently_bought_together: list[str] | None = None
    hazardous_materials: list[dict[str, Any]] | None = None
    included_components: str | None = None
    ingredients: str | None = None
    item_form: str | None = None
    item_type_keyword: str | None = None
    languages: list[list[str]] | None = None
    manufacturer: str | None = None
    material: str | None = None
    materials: list[str] | None = None
    model: str | None = None
    part_number: str | None = None
    pattern: str | None = None
    product_benefit: str | None = None
    product_group: str | None = None
    recommended_uses_for_product: str | None = None
    safety_warning: str | None = None
    sales_rank_display_group: str | None = None
    scent: str | None = None
    short_description: str | None = None
    size: str | None = None
    special_features: list[str] | None = None
    special_ingredients: str | None = None
    specific_uses_for_product: list[str] | None = None
    style: str | None = None
    target_audience_keyword: str | None = None
    type: str | None = None
    unit_count: dict[str, Any] | None = None
    url_slug: str | None = None
    videos: list[dict[str, Any]] | None = None
    website_display_group: str | None = None
    website_display_group_name: str | None = None
    number_of_items: Int4 | None = None
    number_of_pages: Int4 | None = None
    publication_date: Int4 | None = None
    release_date: Int4 | None = None
    item_height: Int4 | None = None
    item_length: Int4 | None = None
    item_width: Int4 | None = None
    item_weight: Int4 | None = None
    package_height: Int4 | None = None
    package_length: Int4 | None = None
    package_width: Int4 | None = None
    package_weight: Int4 | None = None
    package_quantity: Int4 | None = None
    has_reviews: bool | None = None
    is_adult_product: bool | None = None
    is_b2b: bool | None = msgspec.field(name="isB2B", default=None)
    is_eligible_for_super_saver_shipping: bool | None = None
    is_eligible_for_trade_in: bool | None = None
    is_haul: bool | None = None
    is_heat_sensitive: bool | None = None
    is_merch_on_demand: bool | None = None
    is_redirect_asin: bool | None = msgspec.field(name="isRedirectASIN", default=None)
    is_sns: bool | None = msgspec.field(name="isSNS", default=None)
    launchpad: bool | None = None

    last_update: Int4 | None = None
    last_price_change: Int4 | None = None
    last_rating_update: Int4 | None = None
    last_ebay_update: Int4 | None = None
    last_sold_update: Int4 | None = None
    last_stock_update: Int4 | None = None
    last_business_discount_update: Int4 | None = None
    tracking_since: Int4 | None = None
    listed_since: Int4 | None = None

    monthly_sold: Int4 | None = None
    monthly_sold_history: list[Int4] | None = None
    sales_ranks: dict[str, list[int] | None] | None = None
    sales_rank_reference: Int8 | None = None
    sales_rank_reference_history: list[Int8] | None = None
    ebay_listing_ids: list[Int8] | None = None
    g: Int4 | None = None  # sent with every product, described nowhere

    buy_box_seller_id_history: list[str] | None = None
    buy_box_used_history: list[str] | None = None
    buy_box_eligible_offer_counts: list[Int4] | None = None
    fba_fees: FbaFees | None = None
    referral_fee_percent: Int4 | None = None
    referral_fee_percentage: float | None = None
    variable_closing_fee: Int4 | None = None
    coupon: list[Int4] | None = None
    coupon_history: list[Int4] | None = None
    competitive_price_threshold: Int4 | None = None
    suggested_lower_price: Int4 | None = None
    business_discount: Int4 | None = None
    return_rate: Int4 | None = None
    prime_deal_end_time: Int4 | None = None
    new_price_is_map: bool | None = msgspec.field(name="newPriceIsMAP", default=None)
    deals: list[Any] | None = None
    promotions: list[Any] | None = None

    csv: list[list[int] | None] | None = None
    reviews: Reviews | None = None
    stats: Stats | None = None
    offers: list[Offer] | None = None
    live_offers_order: list[Int4] | None = None
    offers_successful: bool | None = None
    availability_amazon: Int4 | None = None
    availability_amazon_delay: list[Int4] | None = None

    extra: dict[str, Any] | None = msgspec.field(name="$extra", default=None)

    def is_of(self, domain: int) -> bool:
        """Whether it is one of that locale, or does not say."""
        return self.domain_id in {None, domain}

    @property
    def is_found(self) -> bool:
        """False for an ASIN the server knows nothing about: it still gets an object in the reply, an empty one."""
        if self.product_type in {NO_ACCESS, INVALID}:
            return False
        if not _TELLING.isdisjoint(self.extra or ()):
            return True
        return self.title is not None or any(self.csv or ()) or (self.last_update or 0) > 0
