"""The dashboard and the alert rules name only metrics that exist, with the labels they have; and leave none out."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path

import pytest

from supervisor.http.catalogue import CATALOGUE, PREFIX

ROOT = Path(__file__).resolve().parent.parent.parent.parent
DASHBOARD = json.loads((ROOT / "deploy" / "grafana.json").read_text(encoding="utf-8"))
ALERTS = (ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8")
NAMES = {
    "SluicegateWatermarkStale": {"walk_timestamp_seconds", "watermark_timestamp_seconds"},
    "SluicegateBeatStale": {"worker_heartbeat_due_timestamp_seconds", "up_since_timestamp_seconds"},
    "SluicegateDegraded": {"degraded"},
    "SluicegateKeptFromWork": {"condition"},
    "SluicegateHostSilent": {"host_up"},
    "SluicegateMessagesWait": {"message_oldest_timestamp_seconds"},
    "SluicegateDrift": {"ledger_drift_tokens"},
    "SluicegateQuarantineRate": {"rows_quarantined_total", "rows_upserted_total"},
}


def rules():
    """The rules of the file, each as its name and its fields; an expression is on one line."""
    for part in ALERTS.split("- alert: ")[1:]:
        fields = dict(re.findall(r"^ +(expr|for|severity|summary|description): (.+)$", part, re.MULTILINE))
        yield part.split()[0], fields


def targets():
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"], target["legendFormat"]


def metrics(expression):
    """The metrics an expression names, without prefix and the ending of a part of a histogram, and their labels.

    Raises:
        AssertionError: there is no such metric, or it is used with labels or in a way it has not.
    """
    found = {}
    for name, selector, span in re.findall(rf"{PREFIX}(\w+)(?:\{{(.*?)\}})?(\[\w+\])?", expression):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        known = base if base in CATALOGUE and CATALOGUE[base].kind == "histogram" else name
        assert known in CATALOGUE, f"{PREFIX}{name} does not exist"
        shape = CATALOGUE[known]
        labels = {*shape.labels, *(["le"] if name.endswith("_bucket") else [])}
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
        assert used <= labels, f"{PREFIX}{name} has no label {used - labels}"
        grows = shape.kind != "gauge"
        assert bool(span) == (grows or "delta(" in expression), f"{PREFIX}{name}: a rate of a gauge, or a bare counter"
        found[known] = labels
    for labels in re.findall(r"by \(([^)]*)\)", expression):
        for label in re.split(r",\s*", labels):
            assert any(label in its for its in found.values()), f"no metric of {expression} has the label {label}"
    return found


def check_shown(words, found):
    """Whether text that shows labels shows those of the metrics."""
    for label in re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", words):
        assert any(label in labels for labels in found.values()), f"{words}: there is no label {label}"


def test_the_rules_are_on_metrics_that_exist_with_the_labels_they_have():
    told = dict(rules())
    assert set(told) == set(NAMES)
    for name, fields in told.items():
        assert set(fields) == {"expr", "for", "severity", "summary", "description"}, name
        found = metrics(fields["expr"])
        assert set(found) == NAMES[name]
        check_shown(fields["summary"], found)


def test_every_rule_is_explained_where_people_look():
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert {name for name, _ in rules()} == set(re.findall(r"^\| `(Sluicegate\w+)` \|", text, re.MULTILINE))


@pytest.mark.parametrize(("place", "expression", "legend"), list(targets()))
def test_every_panel_shows_metrics_that_exist_with_the_labels_they_have(place, expression, legend):
    found = metrics(expression)
    assert found, place
    check_shown(legend, found)


def test_every_metric_is_in_a_panel_or_a_rule():
    expressions = [expression for _, expression, _ in targets()] + [fields["expr"] for _, fields in rules()]
    assert {name for expression in expressions for name in metrics(expression)} == set(CATALOGUE)


def test_a_wrong_name_or_label_would_be_found():
    for wrong in (
        "sluicegate_no_such_metric",
        'sluicegate_tokens_spent_total{role="x"}',
        "sum by (role) (rate(sluicegate_tokens_spent_total[5m]))",
        "rate(sluicegate_tokens_balance[5m])",
        "sluicegate_tokens_spent_total",
        "sluicegate_degraded_bucket",
    ):
        with pytest.raises(AssertionError):
            metrics(wrong)


def test_panels_lie_beside_each_other_and_ask_the_chosen_data_source():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        is_apart = [one[at] + one[size] <= other[at] or other[at] + other[size] <= one[at] for at, size in ("xw", "yh")]
        assert any(is_apart), (one, other)
    sources = {panel["datasource"]["uid"] for panel in panels} | {
        target["datasource"]["uid"] for panel in panels for target in panel["targets"]
    }
    assert sources == {"${datasource}"}
    assert all(panel["description"] for panel in panels)


def test_names_are_as_prometheus_wants_them():
    for name, shape in CATALOGUE.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert name.endswith("_total") == (shape.kind == "counter")
        assert shape.help.endswith(".")
