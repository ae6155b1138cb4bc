"""A Slurm of one machine for tests: install it, start it on loopback, take it down again.

One node in two partitions, `cpu` and `gpu`; the GPUs are device files that lead nowhere, enough for
Slurm to count, to hand out by id and to put into CUDA_VISIBLE_DEVICES. Nothing is measured or
confined (no cgroups, no accounting), so it runs in a container, without systemd.

By hand, as root: `python -m tests.slurm.cluster squeue` runs one command on such a cluster.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo", "scontrol")
SETTINGS = Path("/etc/slurm")
"""Where Slurm looks; jobs started by the executor plugin know no other place."""

MARK = "# written by unripple's tests\n"
GPUS = 2
CPUS = 4
PATIENCE_S = 30


class NoCluster(Exception):
    """This machine cannot run the test cluster; the text says why."""


@dataclass
class Cluster:
    """A running cluster.

    Attributes:
        folder: settings, state and logs of the daemons.
        daemons: the processes, in the order in which they were started.
    """

    folder: Path
    daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def finished_jobs(self) -> list[dict[str, str]]:
        """What Slurm noted about each job that ended, in that order."""
        lines = (self.folder / "finished").read_text().splitlines()
        return [dict(word.partition("=")[::2] for word in line.split()) for line in lines]

    def logs(self) -> str:
        """The ends of the daemons' logs, for a failure's text."""
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text()[-3000:]}" for file in files)


def install() -> None:
    """Install munge and Slurm where they are missing.

    Raises:
        NoCluster: no root, no devices, no apt-get, no network, or another Slurm is set up here.
    """
    if os.geteuid() != 0:
        raise NoCluster("needs root: munged, slurmctld and slurmd are started, devices are made")
    settings = SETTINGS / "slurm.conf"
    if settings.exists() and not settings.read_text().startswith(MARK):
        raise NoCluster(f"{settings} is there already; a Slurm in use is left alone")
    if settings.exists() and _says("scontrol", "ping", text="UP"):
        raise NoCluster("another run of these tests has its Slurm up; wait for it")
    _check_devices()
    if all(map(shutil.which, PROGRAMS)):
        return
    if shutil.which("apt-get") is None:
        raise NoCluster("needs apt-get to install Debian's slurm-wlm and munge")
    apt = ["apt-get", "-qq", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=30"]
    packages = ["slurm-wlm", "munge"]
    with _services_stay_down():
        for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            done = subprocess.run(
                [*apt, *words],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise NoCluster(f"apt-get {words[0]} failed: {done.stderr.strip()[-500:]}")
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise NoCluster(f"{', '.join(packages)} did not bring {', '.join(missing)}")


def _check_devices() -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            _make_device(Path(folder, "gpu"))
        except OSError as error:
            raise NoCluster(f"needs mknod for GPUs that lead nowhere: {error.strerror}") from error


def _make_device(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))  # the numbers of /dev/null


@contextlib.contextmanager
def _services_stay_down() -> Iterator[None]:
    """Keep the packages from starting daemons of their own while they are installed."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


@contextlib.contextmanager
def running() -> Iterator[Cluster]:
    """A cluster while the block runs; afterwards no process, setting or device of it is left.

    Raises:
        NoCluster: a daemon does not start here; the text has the ends of the logs.
    """
    folder = Path(tempfile.mkdtemp(prefix="unripple-slurm-"))
    folder.chmod(0o755)  # munged runs as a user of its own
    cluster = Cluster(folder)
    written = [SETTINGS / "slurm.conf", SETTINGS / "gres.conf"]
    try:
        _write_settings(folder)
        _start(cluster)
        yield cluster
    finally:
        _stop(cluster)
        for path in written:
            path.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _write_settings(folder: Path) -> None:
    ports = _free_ports(2)
    for name in ("state", "spool", "gpus", "munge"):
        (folder / name).mkdir()
    for number in range(GPUS):
        _make_device(folder / "gpus" / f"gpu{number}")
    munge = folder / "munge"
    (munge / "key").write_bytes(os.urandom(1024))
    (munge / "key").chmod(0o400)
    for path in (munge, munge / "key"):
        shutil.chown(path, "munge", "munge")
    (folder / "finished").touch()
    SETTINGS.mkdir(exist_ok=True)
    (SETTINGS / "gres.conf").write_text(
        f"NodeName=localhost Name=gpu File={folder}/gpus/gpu[0-{GPUS - 1}]\n"
    )
    (SETTINGS / "slurm.conf").write_text(
        f"""\
{MARK}\
ClusterName=unripple
SlurmctldHost={socket.gethostname().partition(".")[0]}(127.0.0.1)
SlurmUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={munge}/socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/finished
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=300
KillWait=2
GresTypes=gpu
NodeName=localhost NodeAddr=127.0.0.1 CPUs={CPUS} RealMemory=64000 Gres=gpu:{GPUS}
PartitionName=cpu Nodes=localhost Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=localhost MaxTime=INFINITE State=UP
"""
    )


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _start(cluster: Cluster) -> None:
    folder = cluster.folder
    munge = folder / "munge"
    files = [f"--{word}={munge}/{word}" for word in ("socket", "pid-file", "log-file", "seed-file")]
    _daemon(cluster, ["munged", "--foreground", f"--key-file={munge}/key", *files], user="munge")
    _wait(cluster, "munged", (munge / "socket").exists)
    _daemon(cluster, ["slurmctld", "-D"])
    _wait(cluster, "slurmctld", lambda: _says("scontrol", "ping", text="UP"))
    _daemon(cluster, ["slurmd", "-D", "-N", "localhost"])
    _wait(cluster, "slurmd", lambda: _says("sinfo", "-h", "-o", "%T", text="idle"))


def _daemon(cluster: Cluster, command: list[str], user: str | None = None) -> None:
    """Start a daemon in the foreground: the process that we know is the daemon itself.

    It ends with us, even if we are killed and cannot take it down.
    """
    environment = {key: text for key, text in os.environ.items() if key[:6] != "SLURM_"}
    with (cluster.folder / f"{command[0]}.out.log").open("wb") as out:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
            group=user,
            env=environment,
            cwd=cluster.folder,
        )
    cluster.daemons.append(process)


def _says(*command: str, text: str) -> bool:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    return text in done.stdout


def _wait(cluster: Cluster, name: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ready():
        status = cluster.daemons[-1].poll()
        if status is not None or time.monotonic() > deadline:
            state = "did not get ready" if status is None else f"ended with status {status}"
            raise NoCluster(f"{name} {state}\n{cluster.logs()}")
        time.sleep(0.1)


def _stop(cluster: Cluster) -> None:
    """End jobs, then daemons, the last one first, each by its own process id."""
    if len(cluster.daemons) > 2:
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                ["scancel", "--full", "--user=root"],
                check=False,
                capture_output=True,
                timeout=PATIENCE_S,
            )
            _until_no_job_is_left()
    for daemon in reversed(cluster.daemons):
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _until_no_job_is_left() -> None:
    deadline = time.monotonic() + PATIENCE_S
    while _says("squeue", "-h", "-o", "job %A", text="job") and time.monotonic() < deadline:
        time.sleep(0.2)


if __name__ == "__main__":
    install()
    with running():
        sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)
