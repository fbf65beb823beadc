"""Addresses of products: our own page, and that of Keepa. Pure."""

from __future__ import annotations


def product(domain: int, asin: str) -> str:
    """Our page of the product."""
    return f"/product/{domain}/{asin}"


def keepa(domain: int, asin: str) -> str:
    """The product at Keepa."""
    return f"https://keepa.com/#!product/{domain}-{asin}"
