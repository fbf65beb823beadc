"""The figures the server derives from a product's history; there with `stats=` only."""

from __future__ import annotations

from typing import Any

import msgspec

from tasks.keepa.deal import Int4


class Stats(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, forbid_unknown_fields=True, rename="camel"
):
    """Figures by price type unless said otherwise; prices of the types with shipping include it.

    Attributes:
        current: value now; -1 no offer.
        avg: mean over the interval asked for; avg30 … avg365 over as many days.
        min: minute and value of the lowest ever, None without data; `max` likewise, `…_in_interval` for the interval.
        out_of_stock_percentage30: part of the last 30 days without an offer, in percent; -1 not applicable.
        total_offer_count: -2 in this and the other counts when offers were not asked for.
        buy_box_price: -1 nobody holds the buy box, -2 unknown.
        buy_box_stats: by seller: share won in percent, mean price, and so on, as received.
        stock_per_condition_3rd_fba: pieces in stock by condition of the offer, of sellers for whom Amazon ships;
            `..._fbm` of those that ship themselves.
        stock_amazon: pieces Amazon has in stock, 10 at most; -2 not known. `stock_buy_box` likewise.
        buy_box_saving_basis: the price that is struck out; `..._type` says which it is, LIST_PRICE or WAS_PRICE.
        buy_box_saving_percentage: what the shop says is saved, in percent.
        buy_box_shipping_time: as received: seen on the wire, described nowhere.
        lightning_deal_info: start and end minute.
        extra: fields this build does not know; None when there are none.
    """

    current: list[int] | None = None
    avg: list[int] | None = None
    avg30: list[int] | None = None
    avg90: list[int] | None = None
    avg180: list[int] | None = None
    avg365: list[int] | None = None
    at_interval_start: list[int] | None = None
    min: list[list[int] | None] | None = None
    max: list[list[int] | None] | None = None
    min_in_interval: list[list[int] | None] | None = None
    max_in_interval: list[list[int] | None] | None = None
    is_lowest: list[bool] | None = None
    is_lowest90: list[bool] | None = None
    out_of_stock_percentage30: list[int] | None = None
    out_of_stock_percentage90: list[int] | None = None
    out_of_stock_percentage180: list[int] | None = None
    out_of_stock_percentage365: list[int] | None = None
    out_of_stock_percentage_in_interval: list[int] | None = None
    out_of_stock_count_amazon30: int | None = None
    out_of_stock_count_amazon90: int | None = None
    sales_rank_drops30: int | None = None
    sales_rank_drops90: int | None = None
    sales_rank_drops180: int | None = None
    sales_rank_drops365: int | None = None
    delta_percent90_monthly_sold: int | None = msgspec.field(name="deltaPercent90_monthlySold", default=None)

    total_offer_count: Int4 | None = None
    retrieved_offer_count: int | None = None
    offer_count_fba: Int4 | None = msgspec.field(name="offerCountFBA", default=None)
    offer_count_fbm: Int4 | None = msgspec.field(name="offerCountFBM", default=None)
    stock_per_condition_3rd_fba: list[Int4] | None = msgspec.field(name="stockPerCondition3rdFBA", default=None)
    stock_per_condition_fbm: list[Int4] | None = msgspec.field(name="stockPerConditionFBM", default=None)
    stock_amazon: Int4 | None = None
    stock_buy_box: Int4 | None = None
    seller_ids_lowest_fba: list[str] | None = msgspec.field(name="sellerIdsLowestFBA", default=None)
    seller_ids_lowest_fbm: list[str] | None = msgspec.field(name="sellerIdsLowestFBM", default=None)
    last_offers_update: int | None = None
    last_buy_box_update: Int4 | None = None
    lightning_deal_info: list[int] | None = None
    trade_in_price: int | None = None
    is_addon_item: bool | None = None

    buy_box_price: Int4 | None = None
    buy_box_shipping: Int4 | None = None
    buy_box_seller_id: str | None = None
    buy_box_condition: int | None = None
    buy_box_availability_message: str | None = None
    buy_box_shipping_country: str | None = None
    buy_box_min_order_quantity: int | None = None
    buy_box_max_order_quantity: int | None = None
    buy_box_is_amazon: bool | None = None
    buy_box_is_backorder: bool | None = None
    buy_box_is_fba: bool | None = msgspec.field(name="buyBoxIsFBA", default=None)
    buy_box_is_free_shipping_eligible: bool | None = None
    buy_box_is_map: bool | None = msgspec.field(name="buyBoxIsMAP", default=None)
    buy_box_is_preorder: bool | None = None
    buy_box_is_prime_eligible: bool | None = None
    buy_box_is_prime_exclusive: bool | None = None
    buy_box_is_prime_pantry: bool | None = None
    buy_box_is_shippable: bool | None = None
    buy_box_is_unqualified: bool | None = None
    buy_box_is_used: bool | None = None
    buy_box_is_warehouse_deal: bool | None = None
    buy_box_saving_basis: Int4 | None = None
    buy_box_saving_basis_type: str | None = None
    buy_box_saving_percentage: Int4 | None = None
    buy_box_shipping_time: Int4 | None = None
    buy_box_stats: dict[str, dict[str, Any]] | None = None

    buy_box_used_price: int | None = None
    buy_box_used_shipping: int | None = None
    buy_box_used_seller_id: str | None = None
    buy_box_used_condition: int | None = None
    buy_box_used_is_fba: bool | None = msgspec.field(name="buyBoxUsedIsFBA", default=None)
    buy_box_used_stats: dict[str, dict[str, Any]] | None = None
    extra: dict[str, Any] | None = msgspec.field(name="$extra", default=None)
