"""A throw-away PostgreSQL for the test session: one server, shared by the xdist workers.

The first test that wants it starts it; the session that began the run stops it. It listens on a
Unix socket in its own directory and on no port. fsync stays on, as in service.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

ROOT = "FEDATARIO_TEST_POSTGRES"  # environment: the server's directory, for the workers
USER = "fedatario"
MISSING = (
    "PostgreSQL's server programs are missing: apt-get install postgresql (Debian, Ubuntu). "
    "The store is tested on both engines, and is not skipped."
)
CLUSTER = ["-U", USER, "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8"]
# Ends the server when the run is gone, however it ended (SIGKILL included).
WATCH = """
"$@" >"$LOG" 2>&1 &
server=$!
while kill -0 "$RUN" 2>/dev/null && kill -0 $server 2>/dev/null; do sleep 0.5; done
kill -QUIT $server 2>/dev/null
wait $server
"""


def prepare() -> None:
    """By the process that begins the run: names the directory, which workers inherit."""
    directory = Path(tempfile.mkdtemp(prefix="fedatario-pg-", dir="/tmp"))  # sockets: short paths
    os.environ[ROOT] = f"{os.getpid()}:{directory}"


def finish() -> None:
    """By the process that began the run: stops the server if any test started it."""
    owner, _, directory = os.environ.pop(ROOT, "0:").partition(":")
    if int(owner) != os.getpid():
        return
    pid_file = Path(directory, "data", "postmaster.pid")
    if pid_file.exists():
        # Immediate: nobody will read it again, and a last checkpoint may take seconds.
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
        _until(lambda: not pid_file.exists(), 20, "stop", Path(directory))
    shutil.rmtree(directory)


def server() -> Path:
    """The directory of the running server, which is its socket's too; starts it if needed."""
    if ROOT not in os.environ:
        prepare()
    run, _, name = os.environ[ROOT].partition(":")
    directory = Path(name)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "ready").exists():
            _start(directory, run)
            (directory / "ready").touch()
    return directory


def url(directory: Path, database: str) -> str:
    """The store's URL of a database."""
    return f"postgresql://{USER}@/{database}?host={directory}"


@contextmanager
def administration(directory: Path) -> Iterator[psycopg.Connection]:
    """A connection that may create and drop databases (which no transaction can)."""
    with psycopg.connect(
        host=str(directory), user=USER, dbname="postgres", autocommit=True
    ) as conn:
        yield conn


def _programs() -> Path:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4])
    )
    if found:
        return found[-1].parent
    if initdb := shutil.which("initdb"):
        return Path(initdb).parent
    raise RuntimeError(MISSING)


def _start(directory: Path, run: str) -> None:
    programs = _programs()
    drop = _unprivileged(directory)
    data = directory / "data"
    subprocess.run(
        [*drop, str(programs / "initdb"), "-D", str(data), *CLUSTER],
        check=True,
        cwd=directory,
        stdout=subprocess.DEVNULL,
    )
    command = [*drop, str(programs / "postgres"), "-D", str(data), "-k", str(directory), "-h", ""]
    settings = {"max_connections": "200", "shared_buffers": "64MB", "timezone": "America/La_Paz"}
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    subprocess.Popen(
        ["sh", "-c", WATCH, "watch", *command],
        cwd=directory,
        env=os.environ | {"RUN": run, "LOG": str(directory / "log")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _until(lambda: _answers(directory), 30, "start", directory)


def _unprivileged(directory: Path) -> list[str]:
    """PostgreSQL refuses to run as root: the command that runs it as somebody else."""
    if os.geteuid() != 0:
        return []
    names = {user.pw_name for user in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(directory, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]


def _answers(directory: Path) -> bool:
    try:
        with administration(directory):
            return True
    except psycopg.OperationalError:
        return False


def _until(ready: object, seconds: float, what: str, directory: Path) -> None:
    assert callable(ready)
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            log = directory / "log"
            said = log.read_text()[-2000:] if log.exists() else "(no log)"
            raise RuntimeError(f"PostgreSQL did not {what} within {seconds:.0f} s:\n{said}")
        time.sleep(0.02)
