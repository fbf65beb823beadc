"""How long a body takes to rows, against the client everybody uses reading the same bytes.

Ours ends with rows ready for the wire: every field checked, lists packed for a binary COPY. Theirs is `json.loads` and
what the keepa package then does: nothing to a deal unless its models are asked for; of a product, numpy arrays, times
and a data frame for each history. That is not yet a row, so it is also measured with the values dumped by psycopg, as
an `executemany` does it. All in one process, which looks for cycles as seldom as a worker does, in turns; medians of
CPU time: a busy machine adds more to the clock.

    python benchmarks/parse.py [--rounds 15] [BODY ...]

Bodies are a simulator's; recorded ones can be named as well. Below them stands what a field costs that this build does
not know (in 20 products with every documented field and history, in 100 with figures and in a page of deals), and what
it costs when a field of each product does not fit its type. The factor is that of the same body without them.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from pathlib import Path
from typing import NamedTuple

from keepa import utils
from keepa.models import backend
from psycopg.adapt import PyFormat, Transformer

from tasks import worker
from tasks.keepa.client import KeepaClient
from tasks.keepa.decode.replies import decode_deals, decode_products
from tasks.keepa.prices import NAMES
from tasks.keepa.request import DealRequest, ProductRequest
from tasks.keepa.selection.selection import parse
from tasks.secret import Secret
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tasks.store import deals
from tasks.store.histories import price_series
from tasks.store.products import product_row

DEAL_AIM_MS = 5.0
PRODUCT_AIM_MS = 8.0
RATIO_AIM = 3.0
WIDE = {"domainId": 1, "priceTypes": [1], "dateRange": 3, "sortType": 1}
PRODUCT_BYTES = 600_000
IN_A_ROW = 5


class Body(NamedTuple):
    """One body and what is compared on it."""

    name: str
    content: bytes
    aim_ms: float
    ways: dict[str, object]


def our_deals(body):
    return [deals._row(deal) for deal in decode_deals(body).deals]  # noqa: SLF001


def our_products(body):
    found = decode_products(body).products
    histories, _ = price_series._histories(found)  # noqa: SLF001
    return [product_row.row(product, has_history=True) for product in found], [
        price_series._row(1, history)  # noqa: SLF001
        for history in histories
    ]


def their_deals(body):
    return json.loads(body)["deals"]


def their_deal_models(body):
    return backend.DealResponse.model_validate(their_deals(body))


def their_products(body):
    found = json.loads(body)["products"]
    for product in found:
        if product["csv"]:
            csv = product["csv"]
            product["data"] = utils.parse_csv([*csv, *[None] * (len(NAMES) - len(csv))])  # it fails with fewer than 36
        if product.get("stats"):
            product["stats_parsed"] = utils._parse_stats(product["stats"], to_datetime=True)  # noqa: SLF001
    return found


def their_product_models(body):
    return [backend.Product.model_validate(product) for product in their_products(body)]


def dumped(rows):
    """The values as an `executemany` sends them."""
    transformer = Transformer()
    return [transformer.dump_sequence(row, [PyFormat.AUTO] * len(row)) for row in rows]


def their_deal_rows(body):
    flat = ("asin", "title", "rootCat", "categories", "creationDate", "lastUpdate", "lightningStart", "lightningEnd")
    lists = ("current", "currentSince", "delta", "deltaPercent", "deltaLast", "avg", "backInStock")
    return dumped([deal[name] for name in flat + lists] for deal in their_deals(body)["dr"])


def their_product_rows(body):
    rows = []
    for product in their_products(body):
        data = product.get("data", {})
        for name in NAMES:
            if name in data:
                rows.append((product["asin"], name, data[f"{name}_time"].tolist(), data[name].tolist()))  # noqa: PERF401
    return dumped(rows)


DEAL_WAYS = {"ours": our_deals, "keepa": their_deals, "models": their_deal_models, "rows": their_deal_rows}
PRODUCT_WAYS = {
    "ours": our_products,
    "keepa": their_products,
    "models": their_product_models,
    "rows": their_product_rows,
}


def simulated():
    """A full page of deals, and as many products with history as make a body of the size in the aim."""
    config = SimulatorConfig(deals=600, rate=1_000, closed_share=0.0, unknown_fields=False)
    with SimulatorServer(config) as simulator, KeepaClient(Secret("bench"), simulator.url) as client:
        page = client.send(DealRequest(parse(WIDE, name="bench"), 0)).body
        asins = tuple(deal.asin for deal in decode_deals(page).deals)
        one = len(client.send(ProductRequest(1, asins[:20], "history")).body) / 20
        count = max(1, round(PRODUCT_BYTES / one))
        batch = client.send(ProductRequest(1, asins[:count], "history")).body
    yield Body("deals, simulated", page, DEAL_AIM_MS, DEAL_WAYS)
    yield Body(f"{count} products, simulated", batch, PRODUCT_AIM_MS, PRODUCT_WAYS)


def bodies_of_2026():
    """By name: a body, and how its rows are made."""
    config = SimulatorConfig(deals=600, rate=100_000, closed_share=0.0, unknown_fields=False)
    with SimulatorServer(config) as simulator, KeepaClient(Secret("bench"), simulator.url) as client:
        page = client.send(DealRequest(parse(WIDE, name="bench"), 0)).body
        asins = tuple(deal.asin for deal in decode_deals(page).deals)
        every = client.send(ProductRequest(1, asins[:20], "history")).body
        figures = client.send(ProductRequest(1, asins[:100], "stats")).body
    return {
        "20 products, every field": (every, our_products),
        "100 products, figures": (figures, decode_products),
        "a page of deals": (page, decode_deals),
    }


def changed(body, change):
    """The body with each of its items changed in place."""
    content = json.loads(body)
    for number, one in enumerate(content["deals"]["dr"] if "deals" in content else content["products"]):
        change(number, one)
    return json.dumps(content, separators=(",", ":")).encode()


def with_nothing(_number, _one):
    """Nothing odd."""


def with_new(number, one):
    """A field of its own."""
    one["fieldOfTomorrow"] = number


def with_new_figures(number, one):
    """The same, and one in its figures."""
    with_new(number, one)
    one["stats"]["figureOfTomorrow"] = number


def with_misfit(number, one):
    """A number where a text should be."""
    one["title"] = number


ODD = (
    ("20 products, every field", with_new_figures, 35.0),
    ("100 products, figures", with_new, 8.0),
    ("100 products, figures", with_new_figures, 12.0),
    ("100 products, figures", with_misfit, 40.0),
    ("a page of deals", with_new, 8.0),
)


def odd(rounds):
    """What unknown fields cost, and fields that do not fit: name, ms without and with it, aim."""
    bodies = bodies_of_2026()
    for name, change, aim_ms in ODD:
        body, way = bodies[name]
        before, after = (
            measure(Body("", changed(body, one), 0, {"way": way}), rounds)["way"] for one in (with_nothing, change)
        )
        yield f"{name}, {change.__name__}", before, after, aim_ms


def recorded(path):
    content = path.read_bytes()
    keys = json.loads(content).keys()
    if "deals" in keys and "dealsCached" in keys:
        return Body(f"deals, {path.name}", content, DEAL_AIM_MS, DEAL_WAYS)
    if "products" not in keys:
        content = b'{"products":[' + content + b"]}"
    return Body(f"product, {path.name}", content, PRODUCT_AIM_MS, PRODUCT_WAYS)


def measure(body, rounds):
    """Median milliseconds of CPU by way; each goes a few times in a row, for the others leave the caches cold."""
    took = {name: [] for name in body.ways}
    for number in range(rounds + 1):
        for name, way in body.ways.items():
            for _ in range(IN_A_ROW):
                began_s = time.process_time()
                way(body.content)
                if number > 0:  # the first round only warms up
                    took[name].append((time.process_time() - began_s) * 1e3)
    return {name: statistics.median(times) for name, times in took.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("bodies", nargs="*", type=Path, help="recorded bodies of /deal or /product")
    options = parser.parse_args()
    gc.set_threshold(worker.COLLECT_EVERY)
    print(
        f"{'body':34}{'KB':>7}{'to rows':>10}{'aim':>7}{'keepa':>10}{'x':>6}{'models':>10}{'x':>6}{'rows':>10}{'x':>6}"
    )
    for body in (*simulated(), *map(recorded, options.bodies)):
        found = measure(body, options.rounds)
        line = f"{body.name[:33]:34}{len(body.content) / 1e3:>7.0f}{found['ours']:>7.2f} ms{body.aim_ms:>4.0f} ms"
        for name in ("keepa", "models", "rows"):
            line += f"{found[name]:>7.2f} ms{found[name] / found['ours']:>6.1f}"
        print(line)
    print(f"aim: x at least {RATIO_AIM:g}")
    print(f"\n{'with what is odd in each item':46}{'without':>11}{'with':>11}{'x':>6}{'aim':>7}")
    for line, before, after, aim_ms in odd(options.rounds):
        print(f"{line:46}{before:>8.2f} ms{after:>8.2f} ms{after / before:>6.2f}{aim_ms:>4.0f} ms")


if __name__ == "__main__":
    main()
