"""Makes pages of the site from files beside `docs/`: the sections of README.md, and other texts of the top folder.

MkDocs calls the functions that begin with `on_`. A link to a file that is no page becomes the name of the file.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parent.parent.parent
# The sections of README.md by their page; what stands before the first of them is on the first page too.
README_PAGES: Final = {
    "index.md": ("Three things to do first", "What it is not", "How it works"),
    "first-run.md": ("What you see", "How to read the dump", "Watch it", "When tokens run dry, when a worker failed"),
    "your-key.md": ("With your own key",),
    "selections.md": ("Choose what is collected",),
    "commands.md": ("Commands", "What people ask, and the command that answers"),
    "change.md": ("Change it while it runs",),
    "reference/settings.md": ("Configuration",),
    "reference/exit-codes.md": ("Exit codes",),
}
LEFT_OUT: Final = "Documents"  # for which the navigation stands
TEXTS: Final = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md", "security.md": "SECURITY.md"}
# What the pages load; `iframe-worker.js` runs the search where a page is a file and may have no worker.
ASSETS: Final = (Path(__file__).parent / "site.css", Path(__file__).parent / "vendor" / "iframe-worker.js")
_SECTION: Final = re.compile(r"^## (.+)$", re.MULTILINE)
_LINK: Final = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_FENCE: Final = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_ITEM: Final = re.compile(r"^(?:[-*]|\d+\.) ")
_FETCHED: Final = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"?(?:https?:)?//[^>]*>|<link\b[^>]*//[^>]*>")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made of README.md and of other texts.

    Raises:
        PluginError: a section of README.md has no page.
    """
    sections = readme_sections()
    known = {name for names in README_PAGES.values() for name in names} | {"", LEFT_OUT}
    if set(sections) != known:
        raise PluginError(f"sections of README.md and pages do not agree: {sorted(set(sections) ^ known)}")
    for page, names in README_PAGES.items():
        files.append(File.generated(config, page, content=_page(sections, page, names)))
    for page, name in TEXTS.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text(encoding="utf-8")))
    for asset in ASSETS:
        files.append(File.generated(config, asset.name, content=asset.read_text("utf-8")))
    return files


def readme_sections() -> dict[str, str]:
    """The sections of README.md by their headings; what stands before the first has none."""
    head, *rest = _SECTION.split((ROOT / "README.md").read_text(encoding="utf-8"))
    return {"": head, **dict(zip(rest[::2], rest[1::2], strict=True))}


def _page(sections: dict[str, str], page: str, names: tuple[str, ...]) -> str:
    if page == "index.md":
        return sections[""] + "".join(f"## {name}{sections[name]}" for name in names)
    first, *more = names
    return f"# {first}{sections[first]}" + "".join(f"## {name}{sections[name]}" for name in more)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make links lead to pages, and let a list begin below a line without an empty one between, as on GitHub.

    Raises:
        PluginError: a link leads to no file.
    """
    del config
    source = page.file.src_uri
    at = "" if source in README_PAGES or source in TEXTS.values() or source in TEXTS else f"docs/{source}"
    parts = _FENCE.split(markdown)
    parts[::2] = [_lists(_LINK.sub(lambda found: _link(found, source, at, files), part)) for part in parts[::2]]
    return "".join(parts)


def _lists(text: str) -> str:
    lines: list[str] = []
    for line in text.split("\n"):
        before = lines[-1] if lines else ""
        if _ITEM.match(line) and before.strip() and not _ITEM.match(before) and not before.startswith(" "):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def _link(found: re.Match[str], source: str, at: str, files: Files) -> str:
    mark, words, target = found.groups()
    if re.match(r"[a-z]+:", target):
        return found[0]
    path, _, anchor = target.partition("#")
    whole = posixpath.normpath(posixpath.join(posixpath.dirname(at), path)) if path else (at or _text_of(source))
    if not (ROOT / whole).exists() and not (whole.startswith("docs/") and files.get_file_from_path(whole[5:])):
        raise PluginError(f"{source}: a link leads to {target}, which is not there")
    wanted = _page_of(whole, anchor)
    if wanted is None or files.get_file_from_path(wanted) is None:
        return words if words.strip("`") in {whole, path} else f"{words} (`{whole}`)"
    if whole == "README.md" and wanted != "index.md" and anchor == _slug(README_PAGES[wanted][0]):
        anchor = ""  # the heading of the page
    to = posixpath.relpath(wanted, posixpath.dirname(source) or ".")
    return f"{mark}[{words}]({to}{'#' if anchor else ''}{anchor})"


def _text_of(source: str) -> str:
    return TEXTS.get(source, "README.md")


def _page_of(path: str, anchor: str) -> str | None:
    """The page that a file of the project is on."""
    if path == "README.md":
        sections = {_slug(name): page for page, names in README_PAGES.items() for name in names}
        return sections.get(anchor, "index.md")
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return next((page for page, name in TEXTS.items() if name == path), None)


def _slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Leave the page as it is.

    Raises:
        PluginError: a browser would fetch something from another host.
    """
    del config
    if found := _FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri} fetches from another host: {found[0]}")
    return output
