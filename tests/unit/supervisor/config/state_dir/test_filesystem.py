"""Which file systems may hold a state directory."""

import shutil
import subprocess
import sys

import pytest

from supervisor.config.state_dir import filesystem
from tests.fakes.program.cli_program import ROOT, Program

MOUNTS = r"""27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
29 27 0:26 / /srv rw,relatime shared:3 - ext4 /dev/vdb rw
40 29 0:40 / /srv/their\040data rw,relatime master:1 shared:9 - nfs4 host:/export rw,addr=10.0.0.1
41 27 0:41 / /var/lib rw - xfs /dev/vdc rw
42 41 0:42 / /var/lib rw - overlay overlay rw
43 27 0:43 / /mnt rw - fuse.sshfs me@host:/ rw
a line that is none
""".splitlines()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/var", "ext4"),
        ("/srv/data", "ext4"),
        ("/srv/their data/state", "nfs4"),
        ("/srv/their data2", "ext4"),
        ("/var/lib/sluicegate", "overlay"),
        ("/mnt", "fuse.sshfs"),
    ],
)
def test_the_longest_mount_point_counts_and_the_last_of_several(path, kind):
    assert filesystem.kind_in(MOUNTS, filesystem.Path(path)) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse", "fuse.sshfs", "fuse.s3fs", "ceph"])
def test_what_is_answered_for_elsewhere_is_refused(kind):
    assert filesystem.is_shared(kind)


@pytest.mark.parametrize(
    "kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "fuse.fuse-overlayfs", "unknown", "f2fs"]
)
def test_a_disk_of_this_machine_will_do(kind):
    assert not filesystem.is_shared(kind)


def test_the_folder_at_hand_is_looked_at_itself_through_links_and_is_left_as_it_was(tmp_path):
    (tmp_path / "link").symlink_to("/proc")
    assert filesystem.kind_of(tmp_path / "link") == "proc"
    assert filesystem.kind_of(tmp_path / "not" / "there") == filesystem.kind_of(tmp_path)
    assert filesystem.fault_of(tmp_path) is None
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_a_file_system_without_locks_is_refused(tmp_path):
    def refuse(_fd, _how):
        raise OSError(37, "No locks available")

    assert "do not keep others out" in (filesystem.fault_of(tmp_path, lambda _fd, _how: None) or "")
    assert "cannot lock (No locks available)" in (filesystem.fault_of(tmp_path, refuse) or "")


def may_mount():
    """Whether a mount of our own can be laid over a file of `/proc`."""
    unshare = shutil.which("unshare")
    done = unshare and subprocess.run([unshare, "--mount", "true"], capture_output=True, check=False)
    return bool(done) and done.returncode == 0


@pytest.mark.skipif(not may_mount(), reason="no mounts of one's own here")
@pytest.mark.parametrize("command", ["run", "doctor"])
def test_a_state_directory_on_a_network_file_system_is_refused_by_name(tmp_path, command):
    program = Program(tmp_path)
    program.state.mkdir()
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / / rw - ext4 /dev/a rw\n2 1 0:2 / {program.state} rw - nfs4 host:/a rw\n")
    script = f'mount --bind {mounts} /proc/$$/mountinfo && exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-m", "supervisor", command],  # noqa: S607
        cwd=ROOT,
        env=program.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == {"run": 78, "doctor": 1}[command], done.stderr
    assert "network file system (nfs4)" in done.stderr + done.stdout
    assert list(program.state.iterdir()) == []
