"""The reference of metrics, of selections, and of versions and limits, made from the tables in the code."""

import json
import re

from supervisor.config.options import OPTIONS
from supervisor.doctor.packages import OLDEST_PYTHON
from supervisor.http.catalogue import CATALOGUE, PREFIX
from tasks.keepa.locales import CURRENCIES, SHOPS
from tasks.keepa.selection import explanation
from tasks.keepa.selection.json_schema import json_schema
from tasks.keepa.selection.selection import default_selection
from tasks.store.connection import OLDEST
from tests.fakes.program.cli_program import ROOT
from tests.reference_documents.markdown import code, page, plain, table


def metric_page():
    """Every metric of `/metrics`."""
    rows = [
        (code(PREFIX + name), one.kind, ", ".join(map(code, one.labels)), plain(one.help))
        for name, one in sorted(CATALOGUE.items())
    ]
    whole = "`http://127.0.0.1:9464/metrics` (`METRICS_PORT`) has these metrics in the text format of Prometheus."
    return page("Metrics", whole, table(["metric", "kind", "labels", "meaning"], rows))


def selection_page():
    """Every parameter of a selection, and the one that is collected when none is given."""
    schema = json_schema()
    needed = schema["required"]
    rows = [
        (code(name) + (" (needed)" if name in needed else ""), plain(one.get("description", "")))
        for name, one in schema["properties"].items()
    ]
    default = default_selection()
    sentence, conditions = explanation.explain(default)
    shops = [(number, shop, CURRENCIES[number][0]) for number, shop in SHOPS.items()]
    return page(
        "Selections",
        f"{schema['description']} [Choose what is collected](../selections.md) says how to use one.",
        "## Parameters",
        table(["parameter", "meaning"], rows),
        "## The default selection",
        f"Without `SELECTIONS` the program collects {plain(sentence)}:",
        "\n".join(f"- {plain(condition)}" for condition in conditions),
        f"```json\n{json.dumps(dict(default.query), indent=2)}\n```",
        "## Shops",
        table(["number", "shop", "currency"], shops),
    )


def limit_page():
    """Versions that are supported, and how long rows are kept."""
    rows = [(code(one.name), one.default, plain(one.help)) for one in OPTIONS if one.name.endswith("_KEEP_D")]
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return page(
        "Versions, retention, disk",
        "## Versions",
        table(
            ["needed", "version"],
            [
                ("Python", f"{oldest} or newer"),
                ("PostgreSQL", f"{OLDEST // 10000} or newer; the embedded one needs no set-up"),
                ("system", "Linux; elsewhere in a container"),
            ],
        ),
        "## How long rows are kept",
        table(["setting", "default in days", "meaning"], rows),
        "[Keep the database small](../operations.md#keep-the-database-small) says what each frees.",
        "## Disk",
        f"{disk_of_a_million_deals()} Nearly all of that is histories, so `HISTORY_KEEP_D` decides. "
        "[Capacity](../capacity.md) has the bytes of a row, a product and a page, and what plans need after a month "
        "and after a year. `sluicegate db size` measures your own database.",
    )


def disk_of_a_million_deals():
    """How much room a million deals take, of the bytes that were measured for docs/capacity.md."""
    capacity = (ROOT / "docs" / "capacity.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| bytes of a ([\w ]+), indexes included \| ([\d,]+) \|$", capacity, re.MULTILINE)
    size = {what: int(number.replace(",", "")) for what, number in found}
    deals, queue, products = (size[what] / 1000 for what in ("deal", "queue item", "product"))  # GB a million
    return (
        f"A million deals take about {deals:.1f} GB, {deals + queue:.1f} GB with their places in the queue, and "
        f"{deals + queue + products:.0f} GB with the product and the whole history of each."
    )
