"""Pure: a product as a row: its columns, their types, and how each field is put on the wire."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tasks.keepa import prices
from tasks.keepa.product import CategoryNode
from tasks.keepa.product_stats import Stats
from tasks.store.bulk import arrays
from tasks.store.histories import sales_ranks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.keepa.decode.replies import Product
    from tasks.store.bulk.staging import Row

# In every reply.
BASE: Final = {
    "product_type": "int4",
    "title": "text",
    "parent_asin": "text",
    "root_category": "int8",
    "categories": "int8[]",
    "category_tree": "json",
    "images": "json",
    "images_csv": "text",
    "ean_list": "text[]",
    "upc_list": "text[]",
    "gtin_list": "text[]",
    "variations": "json",
    "variation_csv": "text",
    "historical_variations": "text[]",
    "bundle_items": "text[]",
    "active_ingredients": "text",
    "audience_rating": "text",
    "author": "text",
    "batteries_included": "bool",
    "batteries_required": "bool",
    "binding": "text",
    "brand": "text",
    "brand_store_name": "text",
    "brand_store_url": "text",
    "brand_store_url_name": "text",
    "color": "text",
    "contributors": "json",
    "description": "text",
    "edition": "text",
    "features": "text[]",
    "format": "text",
    "formats": "json",
    "frequently_bought_together": "text[]",
    "hazardous_materials": "json",
    "included_components": "text",
    "ingredients": "text",
    "item_form": "text",
    "item_type_keyword": "text",
    "languages": "json",
    "manufacturer": "text",
    "material": "text",
    "materials": "text[]",
    "model": "text",
    "part_number": "text",
    "pattern": "text",
    "product_benefit": "text",
    "product_group": "text",
    "recommended_uses_for_product": "text",
    "safety_warning": "text",
    "sales_rank_display_group": "text",
    "scent": "text",
    "short_description": "text",
    "size": "text",
    "special_features": "text[]",
    "special_ingredients": "text",
    "specific_uses_for_product": "text[]",
    "style": "text",
    "target_audience_keyword": "text",
    "type": "text",
    "unit_count": "json",
    "url_slug": "text",
    "website_display_group": "text",
    "website_display_group_name": "text",
    "number_of_items": "int4",
    "number_of_pages": "int4",
    "publication_date": "int4",
    "release_date": "int4",
    "item_height": "int4",
    "item_length": "int4",
    "item_width": "int4",
    "item_weight": "int4",
    "package_height": "int4",
    "package_length": "int4",
    "package_width": "int4",
    "package_weight": "int4",
    "package_quantity": "int4",
    "has_reviews": "bool",
    "is_adult_product": "bool",
    "is_b2b": "bool",
    "is_eligible_for_super_saver_shipping": "bool",
    "is_eligible_for_trade_in": "bool",
    "is_haul": "bool",
    "is_heat_sensitive": "bool",
    "is_merch_on_demand": "bool",
    "is_redirect_asin": "bool",
    "is_sns": "bool",
    "launchpad": "bool",
    "last_update": "int4",
    "last_price_change": "int4",
    "last_rating_update": "int4",
    "last_ebay_update": "int4",
    "last_sold_update": "int4",
    "last_stock_update": "int4",
    "last_business_discount_update": "int4",
    "tracking_since": "int4",
    "listed_since": "int4",
    "monthly_sold": "int4",
    "sales_rank_reference": "int8",
    "ebay_listing_ids": "int8[]",
    "g": "int4",
    "buy_box_eligible_offer_counts": "int4[]",
    "fba_pick_and_pack_fee": "int4",
    "fba_fees_last_update": "int4",
    "fba_pick_and_pack_fee_tax": "int4",
    "fba_storage_fee": "int4",
    "fba_storage_fee_tax": "int4",
    "reviews_last_update": "int4",
    "referral_fee_percent": "int4",
    "referral_fee_percentage": "float8",
    "variable_closing_fee": "int4",
    "coupon": "int4[]",
    "competitive_price_threshold": "int4",
    "suggested_lower_price": "int4",
    "business_discount": "int4",
    "return_rate": "int4",
    "prime_deal_end_time": "int4",
    "new_price_is_map": "bool",
    "deals": "json",
    "promotions": "json",
    "availability_amazon": "int4",
    "availability_amazon_delay": "int4[]",
    "extra": "json",
}
# In full only in a reply with history: videos and A+ content are asked for with it.
HISTORY: Final = {
    "a_plus": "json",
    "videos": "json",
    "parent_asin_history": "text[]",
    "monthly_sold_history": "int4[]",
    **sales_ranks.COLUMNS,
    "sales_rank_reference_history": "int8[]",
    "buy_box_seller_id_history": "text[]",
    "buy_box_used_history": "text[]",
    "coupon_history": "int4[]",
}
# The figures that people filter by which `stats`, as received, has only somewhere in it.
_FIGURES: Final = {
    "stock_per_condition_3rd_fba": "int4[]",
    "stock_per_condition_fbm": "int4[]",
    "stock_amazon": "int4",
    "stock_buy_box": "int4",
    "buy_box_saving_basis": "int4",
    "buy_box_saving_basis_type": "text",
    "buy_box_saving_percentage": "int4",
    "buy_box_shipping_time": "int4",
    "total_offer_count": "int4",
    "offer_count_fba": "int4",
    "offer_count_fbm": "int4",
}
STATS: Final = {"stats": "json", "stats_known": "int4", **_FIGURES}
# Only with the details buybox and offers.
BUY_BOX: Final = {
    "buy_box_price": "int4",
    "buy_box_shipping": "int4",
    "buy_box_seller_id": "text",
    "buy_box_is_amazon": "bool",
    "buy_box_is_fba": "bool",
    "last_buy_box_update": "int4",
}
# The offers themselves have a table.
OFFERS: Final = {"live_offers_order": "int4[]", "offers_successful": "bool"}
AGES: Final = {
    "history_update": "int4",
    "stats_update": "int4",
    "offers_update": "int4",
    "buy_box_update": "int4",
}

COLUMNS: Final = {"asin": "text", **BASE, **HISTORY, **STATS, **BUY_BOX, **OFFERS, **AGES}

# Columns of what is in a part of a product: the part and its field.
_PARTS: Final = {
    "fba_pick_and_pack_fee": ("fba_fees", "pick_and_pack_fee"),
    "fba_pick_and_pack_fee_tax": ("fba_fees", "pick_and_pack_fee_tax"),
    "fba_storage_fee": ("fba_fees", "storage_fee"),
    "fba_storage_fee_tax": ("fba_fees", "storage_fee_tax"),
    "fba_fees_last_update": ("fba_fees", "last_update"),
    "reviews_last_update": ("reviews", "last_update"),
    **{name: ("stats", name) for name in (*_FIGURES, *BUY_BOX)},
}
_EMPTY: Final = b"{}"
_NOT_KNOWN: Final = -2  # of a figure that was not asked for


_OWN: Final = [name for name in COLUMNS if name not in {*_PARTS, *AGES, *sales_ranks.COLUMNS, "extra", "stats_known"}]
_own: Final[Callable[[Product], tuple[object, ...]]] = attrgetter(*_OWN)


def age(product: Product) -> int:
    """How new the reading is, in Keepa minutes; 0 when it does not say."""
    return product.last_update or 0


def row(product: Product, *, has_history: bool) -> Row:
    """The values of `COLUMNS`, in their order.

    A history that could not be used, and lies in `extra`, is none: `has_history` is for the others.

    Raises:
        OverflowError: a number does not fit its column; and `TypeError` or `ValueError` for a malformed list.
    """
    ages = {
        "history_update": age(product) if has_history and "csv" not in (product.extra or ()) else None,
        "stats_update": None if product.stats is None else age(product),
        "offers_update": None if product.offers is None else age(product),
        "buy_box_update": age(product) if _knows_buy_box(product.stats) else None,
    }
    found: dict[str, Any] = dict(zip(_OWN, _own(product), strict=True)) | ages
    found["extra"] = _extra(product)
    for name, (part, field) in _PARTS.items():
        found[name] = getattr(getattr(product, part), field, None)
    found["stats_known"] = None if product.stats is None else _known(product.stats)
    if ages["buy_box_update"] is None:
        found |= dict.fromkeys(BUY_BOX)
    packed = {name: pack(value) for name, pack in _PACKERS if (value := found[name]) is not None}
    sales = None if ages["history_update"] is None else _sales(product)
    packed |= zip(sales_ranks.COLUMNS, sales_ranks.row(product.sales_ranks, sales), strict=True)
    return tuple(map(packed.get, COLUMNS))


def _knows_buy_box(stats: Stats | None) -> bool:
    """Whether the buy box was asked for: then somebody has it, or nobody."""
    return stats is not None and stats.buy_box_price not in {None, _NOT_KNOWN}


def _known(stats: Stats) -> int:
    """How much the figures tell: of two readings of one moment, that of the richer detail tells more."""
    asked = (stats.offer_count_fba, stats.stock_amazon, stats.stock_per_condition_fbm)
    others = sum(value not in (None, _NOT_KNOWN) for value in asked)
    return sum(value >= 0 for value in stats.current or ()) + _knows_buy_box(stats) + others


def _sales(product: Product) -> list[int] | None:
    """The history of SALES, when there is one."""
    csv = product.csv or []
    return csv[prices.SALES] if len(csv) > prices.SALES else None


def _extra(product: Product) -> dict[str, object] | None:
    """The unknown fields, those of the fees and the reviews in their place: the known ones of these have columns."""
    parts = {
        name: part.extra
        for name, part in (("fbaFees", product.fba_fees), ("reviews", product.reviews))
        if part is not None and part.extra is not None
    }
    return (product.extra or {}) | parts if parts else product.extra


def _as_it_is(value: object) -> object:
    return value


def _int4(value: int) -> int:
    arrays.check_int4s((value,))
    return value


def _json(value: object) -> bytes:
    """JSON with the unknown fields back in their places."""
    if isinstance(value, Stats):
        return _as_received(value)
    if isinstance(value, list) and any(isinstance(one, CategoryNode) and one.extra for one in value):
        return b"[%b]" % b",".join(map(_as_received, value))
    return msgspec.json.encode(value)


def _as_received(value: Stats | CategoryNode) -> bytes:
    if value.extra is None:
        return msgspec.json.encode(value)
    known = msgspec.json.encode(msgspec.structs.replace(value, extra=None))
    unknown = msgspec.json.encode(value.extra)
    return known[:-1] + (b"," if len(known) > len(_EMPTY) and len(unknown) > len(_EMPTY) else b"") + unknown[1:]


_PACK: Final[dict[str, Callable[..., object]]] = {
    "int4": _int4,
    "int4[]": arrays.ints,
    "int8[]": arrays.longs,
    "text[]": arrays.texts,
    "json": _json,
}
_PACKERS: Final = [
    (name, _PACK.get(kind, _as_it_is)) for name, kind in COLUMNS.items() if name not in sales_ranks.COLUMNS
]
