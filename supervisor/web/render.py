"""Makes HTML of templates: everything is escaped, and a name that is not given is an error."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ledger.durations import format_duration
from ledger.localtime import near, utc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.web.static_files import StaticFiles

_UNKNOWN: Final = "–"  # noqa: RUF001 - a dash where there is no number


class Renderer:
    """The templates of the page."""

    def __init__(self, files: StaticFiles, everywhere: Mapping[str, Any]) -> None:
        """`everywhere` is what every template may name."""
        self._environment = Environment(
            loader=PackageLoader("supervisor.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(static=files.path, **everywhere)
        self._environment.filters.update(when=when, number=number, duration=format_duration, share=share)

    def html(self, template: str, values: Mapping[str, Any]) -> str:
        """The template, filled in."""
        return self._environment.get_template(template).render(values)


def when(at: str | datetime | None, now: datetime) -> Markup:
    """A moment as people read it, with the exact one for programs and on hover."""
    if at is None:
        return Markup(_UNKNOWN)  # noqa: S704 - a constant
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    exact = utc(moment)
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(exact, escape(near(moment, now)))


def share(percent: float) -> str:
    """A part in percent of which neither nothing nor all is said unless it is so: `over 99 %`."""
    if percent < 1 and percent > 0:
        return "under 1 %"
    if percent > 99 and percent < 100:  # noqa: PLR2004 - the whole in percent
        return "over 99 %"
    return f"{percent:.0f} %"


def number(value: float | None) -> str:
    """A number with its thousands apart; a dash when it is not known."""
    return _UNKNOWN if value is None else f"{value:,.10g}" if value % 1 else f"{value:,.0f}"
