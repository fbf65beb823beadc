"""The image and the compose file: what they say of the program is true."""

from __future__ import annotations

import argparse
import fnmatch
import json
import re
import subprocess
import tomllib

import pytest

from supervisor.cli import commands
from supervisor.config.options import OPTIONS
from supervisor.tree import supervisor
from tests.fakes.program.cli_program import ROOT

DEPLOY = ROOT / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OPTION = {option.name: option for option in OPTIONS}


def instructions():
    """Each instruction of the Dockerfile with the rest of its line."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def only(name):
    return [rest for instruction, rest in instructions() if instruction == name]


@pytest.fixture(scope="module")
def compose():
    """The services of the compose file, each as its text."""
    text = (DEPLOY / "compose.yml").read_text(encoding="utf-8")
    services = re.split(r"\n\n?(?=  \w+:\n)", text.partition("services:\n")[2].partition("\nvolumes:")[0])
    return {service.strip().partition(":")[0]: service for service in services}


def value(service, name):
    found = re.search(rf"^\s+{name}: (.*?)(?: #.*)?$", service, re.MULTILINE)
    assert found is not None, name
    return found[1]


def seconds(text):
    return float(text[:-1]) * {"s": 1, "m": 60}[text[-1]]


def test_both_stages_have_one_python_that_the_project_takes():
    bases = [re.fullmatch(r"python:(\d+)\.(\d+)-slim(?: AS build)?", rest) for rest in only("FROM")]
    assert all(bases)
    versions = {(int(base[1]), int(base[2])) for base in bases}
    oldest = tuple(int(part) for part in PROJECT["project"]["requires-python"].removeprefix(">=").split("."))
    assert len(versions) == 1
    assert versions.pop() >= oldest


def test_what_is_copied_is_there_is_let_into_the_context_and_holds_every_package():
    copied = [part for rest in only("COPY") if "--from" not in rest for part in rest.split()[:-1]]
    assert all((ROOT / path).exists() for path in copied)
    let_in = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line.removeprefix("!") for line in let_in if line.startswith("!")} == set(copied)
    included = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    folders = {path for path in copied if (ROOT / path).is_dir()}
    assert {pattern for pattern in included if fnmatch.filter(folders, pattern)} == set(included)
    assert {f"{name}.py" for name in PROJECT["tool"]["setuptools"]["py-modules"]} <= set(copied)
    assert {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"], "requirements.lock"} <= set(copied)


def test_the_image_runs_a_command_there_is_in_exec_form_and_never_as_root():
    entry, command = json.loads(only("ENTRYPOINT")[0]), json.loads(only("CMD")[0])
    check = json.loads(only("HEALTHCHECK")[0].partition(" CMD ")[2])
    assert entry == list(PROJECT["project"]["scripts"])
    actions = [one for one in commands._parser()._actions if isinstance(one, argparse._SubParsersAction)]
    assert {command[0], check[1]} <= set(actions[0].choices)
    assert check[0] == entry[0]
    user = only("USER")[-1]
    assert (
        f"useradd --system --uid 10001 --home-dir /var/lib/sluicegate --shell /usr/sbin/nologin {user}"
        in only("RUN")[-1]
    )
    assert only("STOPSIGNAL") == ["SIGTERM"]


def test_what_is_kept_is_in_the_volume(compose):
    settings = dict(part.split("=") for part in only("ENV")[-1].split())
    folder = settings["STATE_DIR"]
    assert "STATE_DIR" in OPTION
    assert only("VOLUME") == [folder]
    assert f"state:{folder}\n" in compose["sluicegate"]


def test_compose_builds_this_image_and_lets_a_stop_take_its_time(compose):
    own = compose["sluicegate"]
    assert (DEPLOY / value(own, "context")).resolve() == ROOT
    assert (ROOT / value(own, "dockerfile")).is_file()
    longest_s = float(OPTION["STOP_S"].default) + supervisor._DATABASE_STOP_S
    assert seconds(value(own, "stop_grace_period")) >= longest_s + 10
    assert value(own, "image") == "${SLUICEGATE_IMAGE:-sluicegate}"
    assert "condition: service_healthy" in own
    assert "healthcheck:" in compose["postgres"]


def test_secrets_are_in_files_that_git_does_not_see_and_that_no_image_holds(compose):
    files = [value(service, "env_file") for service in compose.values()]
    assert len(files) == 2
    ignored = subprocess.run(
        ["git", "check-ignore", *(f"deploy/{name}" for name in files)],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "not a git repository" in ignored.stderr:
        pytest.skip("not a checkout")
    assert len(ignored.stdout.split()) == 2
    text = "".join(compose.values()) + (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert not re.search(r"^\s*\w*(PASSWORD|KEY|SECRET|DATABASE_URL)\w*[:=]\s*\S", text, re.MULTILINE)


def test_the_template_of_units_is_the_unit_with_a_name_in_its_places():
    one, many = (
        [line for line in (DEPLOY / name).read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        for name in ("sluicegate.service", "sluicegate@.service")
    )
    assert set(many) - set(one) == {
        "Description=Sluicegate %i: Amazon deals from the Keepa API into PostgreSQL",
        "EnvironmentFile=/etc/sluicegate/%i.env",
        "Environment=STATE_DIR=/var/lib/sluicegate/%i",
        "StateDirectory=sluicegate/%i",
    }
    assert set(one) - set(many) == {
        "Description=Sluicegate: Amazon deals from the Keepa API into PostgreSQL",
        "StateDirectory=sluicegate",
    }


def test_the_job_for_nomad_knows_the_settings_and_lets_a_stop_take_its_time():
    job = (DEPLOY / "nomad.hcl").read_text(encoding="utf-8")
    set_there = dict(re.findall(r"^ +([A-Z_]+) += \"([^\"]*)\"$", job, re.MULTILINE))
    from_secrets = re.findall(r"^ +([A-Z_]+)=\{\{", job, re.MULTILINE)
    assert {*set_there, *from_secrets} <= OPTION.keys()
    assert from_secrets == ["KEEPA_API_KEY", "DATABASE_URL"]
    kill_s = seconds(re.search(r'kill_timeout = "(\w+)"', job)[1])
    assert float(set_there["STOP_S"]) + supervisor._DATABASE_STOP_S + 10 <= kill_s == 420
    mounted = re.search(r'destination = "(/var/\S+)"', job)[1]
    assert set_there["STATE_DIR"].startswith(f"{mounted}/")
    assert re.search(r"to = (\d+)", job)[1] == set_there["METRICS_PORT"]
    assert job.count("{") == job.count("}")


def test_an_audit_that_gets_no_answer_fails():
    """By itself it passes when the database of vulnerabilities knows none of the packages."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^\t.*pip-audit.*$", makefile, re.MULTILINE)
    assert {"--strict", "--vulnerability-service", "osv", "--require-hashes"} <= set(recipe.split())
    assert "(OSV, by way of `pip-audit`)" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_a_release_is_checked_first_and_every_job_ends_some_time():
    release = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    _, *jobs = re.split(r"^  (?=\w+:$)", release.partition("\njobs:\n")[2], flags=re.MULTILINE)
    called, *others = jobs
    assert "uses: ./.github/workflows/ci.yml" in called
    assert len(others) == 3
    assert all(re.search(r"^    needs: (check|build)$", job, re.MULTILINE) for job in others)
    assert all("timeout-minutes: " in job for job in others)
    assert "workflow_call:" in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
