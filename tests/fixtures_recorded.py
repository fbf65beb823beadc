"""Recorded bodies, ready to be read."""

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def recorded():
    """The folder of bodies a real server sent; tests that need it skip where it is not."""
    folder = Path(__file__).resolve().parent.parent.parent / "shared" / "keepa" / "recorded"
    if not folder.is_dir():
        pytest.skip(f"no recorded bodies at {folder}")
    return folder


@pytest.fixture(scope="session")
def deal_bodies(recorded):
    """The recorded pages of `/deal` by file name, in the order of their walks."""
    return {path.name: path.read_bytes() for path in sorted(recorded.glob("deal/*.json"))}


@pytest.fixture(scope="session")
def product_bodies(recorded):
    """The recorded products as `/product` bodies by file name; those kept without an envelope get a bare one."""
    bodies = {}
    for path in sorted(recorded.glob("product/*.json")):
        body = path.read_bytes()
        bodies[path.name] = body if "products" in json.loads(body) else b'{"products":[' + body + b"]}"
    return bodies


@pytest.fixture(scope="session")
def without_nulls():
    """A function that takes null fields out of an object, at every depth: to us absent and null are the same."""

    def strip(value):
        if isinstance(value, dict):
            return {name: strip(inner) for name, inner in value.items() if inner is not None}
        return [strip(inner) for inner in value] if isinstance(value, list) else value

    return strip
