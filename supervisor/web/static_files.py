"""The files that every page needs: each has a hash in its address, so browsers keep it for ever, and is sent packed."""

from __future__ import annotations

import gzip
import hashlib
from importlib import resources
from typing import Final, NamedTuple

FOLDER: Final = "/static/"
_HASH: Final = 12
_TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_FILES: Final = ("app.css", "app.js", "lists.js", "product.js", "vendor/uPlot.iife.min.js", "vendor/uPlot.min.css")


class StaticFile(NamedTuple):
    """One file, as it is and packed."""

    content_type: str
    content: bytes
    packed: bytes


class StaticFiles:
    """The files by their addresses, each read and packed once."""

    def __init__(self) -> None:
        self._by_path: dict[str, StaticFile] = {}
        self._paths: dict[str, str] = {}
        folder = resources.files("supervisor.web") / "static"
        for name in _FILES:
            content = folder.joinpath(*name.split("/")).read_bytes()
            base, _, ending = name.rpartition("/")[2].rpartition(".")
            path = f"{FOLDER}{base}.{hashlib.sha256(content).hexdigest()[:_HASH]}.{ending}"
            self._paths[name] = path
            self._by_path[path] = StaticFile(_TYPES[ending], content, gzip.compress(content, 9, mtime=0))

    def path(self, name: str) -> str:
        """The address of the file `name`."""
        return self._paths[name]

    def find(self, path: str) -> StaticFile | None:
        """The file at an address; None when there is none."""
        return self._by_path.get(path)
