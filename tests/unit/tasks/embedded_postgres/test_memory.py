"""The memory that a server here may use: the machine's, or what a container or a service is left of it."""

import pytest

from tasks.embedded_postgres.memory import usable_bytes

GB = 2**30


def write(root, **files):
    """Files by their path, in which `__` stands for a slash and `_DOT_` for a dot."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


@pytest.fixture
def usable(tmp_path):
    """What may be used of 24 GB in groups that the membership names."""

    def ask(membership):
        (tmp_path / "self").write_text(membership)
        return usable_bytes(installed=24 * GB, membership=tmp_path / "self", cgroups=tmp_path)

    return ask


def test_without_a_limit_it_is_the_memory_of_the_machine(usable, tmp_path):
    write(tmp_path, a__memory_DOT_max="max", a__memory_DOT_high="max")
    assert usable("0::/a\n") == 24 * GB
    assert usable_bytes(installed=5, membership=tmp_path / "none", cgroups=tmp_path) == 5


@pytest.mark.parametrize("name", ["memory_DOT_max", "memory_DOT_high"])
def test_the_limit_of_a_service_or_of_a_group_above_it_holds(usable, tmp_path, name):
    write(tmp_path, **{f"a__b__{name}": 3 * GB, f"a__{name}": 2 * GB})
    assert usable("0::/a/b\n") == 2 * GB
    assert usable("0::/a\n") == 2 * GB
    assert usable("0::/\n") == 24 * GB


def test_a_container_sees_its_limit_at_the_root_though_its_group_has_a_name_of_the_outside(usable, tmp_path):
    write(tmp_path, memory_DOT_max=512 * 2**20)
    assert usable("0::/../../docker/1234\n") == 512 * 2**20
    assert usable("0::/docker/1234\n") == 512 * 2**20


def test_the_limits_of_version_1_hold_for_its_memory_controller_alone(usable, tmp_path):
    write(tmp_path, memory__a__memory_DOT_limit_in_bytes=GB, memory__memory_DOT_limit_in_bytes=2**63 - 4096)
    assert usable("5:cpu,cpuacct:/a\n4:memory:/a\n1:name=systemd:/\n") == GB
    assert usable("5:cpu,cpuacct:/a\n") == 24 * GB
