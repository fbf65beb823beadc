"""Help on the page names every command: where the page offers the same, or why it does not."""

from supervisor.cli import commands as cli
from supervisor.web.pages import PAGES
from supervisor.web.views.commands import COMMANDS


def test_every_command_is_named_on_the_page_with_its_place_or_the_reason_why_it_has_none():
    subparsers = next(action for action in cli._parser()._actions if isinstance(action.choices, dict))
    assert sorted(one.name for one in COMMANDS) == sorted(subparsers.choices), "supervisor/web/views/commands.py"
    assert all(one.words for one in COMMANDS)


def test_every_place_that_is_named_is_a_page():
    paths = {page.path for page in PAGES}
    for one in COMMANDS:
        path = one.place.partition("?")[0]
        assert not path or path in paths or (path.startswith("/orders/") and "/orders/{name}" in paths), one
