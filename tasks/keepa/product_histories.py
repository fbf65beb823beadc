"""All histories of a product that are stored as series: those in `csv`, and the two counts in `reviews`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.keepa import prices

if TYPE_CHECKING:
    from tasks.keepa.product import Product

_PAIR: Final = 2


def flats(product: Product) -> list[prices.Flat]:
    """Return the histories that are there, by rising price type, as they came.

    Raises:
        BrokenHistory: a history does not make whole groups.
    """
    return prices.flats(product.csv) + _of_reviews(product)


def misfit(product: Product) -> tuple[str, str] | None:
    """The field whose histories cannot be used although they are of its type, and why; or None."""
    reason = prices.fault(product.csv)
    if reason is not None:
        return "csv", reason
    try:
        _of_reviews(product)
    except prices.BrokenHistory as broken:
        return "reviews", str(broken)
    return None


def _of_reviews(product: Product) -> list[prices.Flat]:
    found = product.reviews
    if found is None:
        return []
    given = (
        (prices.VARIATION_RATINGS, "ratingCount", found.rating_count),
        (prices.VARIATION_REVIEWS, "reviewCount", found.review_count),
    )
    for _, name, values in given:
        if len(values or ()) % _PAIR:
            raise prices.BrokenHistory(f"reviews.{name}: {len(values or ())} values do not make whole groups")
    return [prices.Flat(number, _PAIR, values) for number, _, values in given if values]
