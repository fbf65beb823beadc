"""The pages. Each module has its pages, and `PAGES` lists them in the order of the navigation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supervisor.web.pages import (
    deals,
    events,
    help_page,
    now,
    orders,
    product,
    quarantine,
    queue,
    selections,
    settings_page,
    tokens,
)

if TYPE_CHECKING:
    from supervisor.web.page import Page

PAGES: Final[tuple[Page, ...]] = (
    now.PAGE,
    *deals.PAGES,
    *product.PAGES,
    tokens.PAGE,
    *selections.PAGES,
    *quarantine.PAGES,
    *queue.PAGES,
    events.PAGE,
    settings_page.PAGE,
    *help_page.PAGES,
    *orders.PAGES,
)
