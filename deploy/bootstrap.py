"""Builds `.venv` from a lock file with nothing but Python; a second run is instant.

`python3 deploy/bootstrap.py run|dev`: `run` installs what the program needs, `dev` adds what its tests need.
Written for any Python 3, so that an old one gives a clear message instead of a syntax error. Ctrl-C ends it at once and
silently, with whatever it has started; the next run goes on from there.
"""

import signal

# Before anything that takes time: in Python's own hands a Ctrl-C becomes a traceback. `make` holds it back until here.
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
MADE = VENV / ".made"  # not there when the making was interrupted: half a pip is worse than none
OLDEST = (3, 11)
NEWER = ["python3.14", "python3.13", "python3.12", "python3.11"]
# pip, which ends at Ctrl-C as silently. Its own way is a traceback while it is being loaded.
PIP = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT]); "
    "import runpy; runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}


def main():
    """Exit 0 with a complete `.venv`; 1 with one line that says what is missing."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "run"
    if kind not in LOCKS:
        sys.exit("usage: bootstrap.py [run|dev]")
    _use_a_new_enough_python()
    wanted = _fingerprint(kind)
    if _is_complete(kind, wanted):
        return
    python = _environment()
    lock = ROOT / LOCKS[kind]
    print(f"installing from {lock.name} into .venv", flush=True)
    scratch = VENV / "scratch"  # where an interrupted pip leaves what it was at
    shutil.rmtree(str(scratch), ignore_errors=True)
    scratch.mkdir()
    _pip(python, scratch, "--require-hashes", "--no-deps", "-r", str(lock))  # a lock has all of them
    _pip(python, scratch, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    shutil.rmtree(str(scratch))
    (VENV / f".installed-{kind}").write_text(wanted, encoding="utf-8")
    if kind == "dev":
        (VENV / ".installed-run").write_text(_fingerprint("run"), encoding="utf-8")


def _use_a_new_enough_python():
    if sys.version_info >= OLDEST:
        return
    for name in NEWER:
        found = shutil.which(name)
        if found:
            os.execv(found, [found, *sys.argv])
    here = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(f"this is Python {here}, 3.11 or newer is needed: install one, or run make PYTHON=/path/to/python3.11")


def _fingerprint(kind):
    parts = [(ROOT / name).read_bytes() for name in (LOCKS[kind], "pyproject.toml")]
    parts.append(f"{ROOT} {sys.version_info[:2]}".encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _is_complete(kind, wanted):
    stamp = VENV / f".installed-{kind}"
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted


def _environment():
    python = VENV / "bin" / "python"
    if _is_ours(python):
        return str(python)
    if VENV.exists():
        shutil.rmtree(VENV)
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(
            "could not create .venv: "
            + (made.stdout + made.stderr).strip()
            + "\n(on Debian and Ubuntu the module is a package of its own: apt install python3-venv)"
        )
    MADE.touch()
    return str(python)


def _is_ours(python):
    """Whether .venv holds the Python that runs this file, stands where it was made, and was made to the end."""
    if not (python.exists() and MADE.exists()):
        return False
    code = "import sys; print(sys.version_info[:2], sys.prefix)"
    seen = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return seen.stdout.strip() == f"{sys.version_info[:2]} {VENV}"


def _pip(python, scratch, *what):
    command = [python, "-c", PIP, "install", "-qq", "--disable-pip-version-check", *what]
    # Held back until its first line has run, like our own.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    process = subprocess.Popen(command, env=dict(os.environ, TMPDIR=str(scratch)))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    if process.wait() != 0:
        sys.exit("the installation failed, see above: check the network and run the same command again")


if __name__ == "__main__":
    main()
