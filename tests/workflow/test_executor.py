"""The executor `unripple`: jobs share processes, to the same bytes and under the same limits."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from snakemake_executor_plugin_unripple import _OURS
from tests.badinput import hostile
from tests.tiny import picture, write_project
from tests.workflow.project import everything
from unripple.io.results import Manifest, Results

pytestmark = pytest.mark.slow
REPO = Path(__file__).resolve().parents[2]
ALIGN = "results/align/00000.json"
TWO = ("results/parse/photo/00000.json", "results/depth/photo/00000.json")
PATIENCE_S = 60.0
SLOW = (5000, 1500)  # side and scans of a JPEG that takes ten seconds or more to be read

NOTE_STARTS = """\
import os, sys
with open(os.environ["STARTS"], "a") as file:
    file.write(" ".join(sys.orig_argv[1:4]) + "\\n")
"""


def start(folder: Path, *words: str, **variables: str) -> subprocess.Popen[str]:
    """Snakemake by its default profile, in a process group of its own."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile")]
    return subprocess.Popen(
        [*command, "--cores", "2", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, **variables},
        # A test run in the background may have been told to ignore Ctrl-C, and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(process: subprocess.Popen[str], status: int = 0) -> str:
    said, _ = process.communicate(timeout=PATIENCE_S * 5)
    assert process.returncode == status, said
    return said


def align(folder: Path) -> Manifest:
    return Results(folder / "results").read_manifest("align", None, "00000")


def delay(path: Path) -> None:
    """Replace a photo by one that takes longer to read than Snakemake to answer a signal."""
    path.write_bytes(hostile.scan_bomb(*SLOW))


def wait_for(there: Callable[[], object], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.02)


def with_open(run: subprocess.Popen[str], file: Path) -> list[psutil.Process]:
    """The processes of a run that have a file open."""
    found = []
    for process in psutil.Process(run.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended
            if any(Path(there.path) == file for there in process.open_files()):
                found.append(process)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "project", {"anna.png": (64, 64), "bob.png": (90, 120)})


@pytest.fixture
def at_bob(project: Path) -> Iterator[tuple[subprocess.Popen[str], psutil.Process, list[int]]]:
    """A run whose job has a slow photo open; the job's process; all that the run started."""
    delay(project / "data/photos/bob.png")
    run = start(project, ALIGN)
    found: list[psutil.Process] = []
    wait_for(
        lambda: found.extend(with_open(run, project / "data/photos/bob.png")) or found,
        "nobody came to bob",
    )
    started = [child.pid for child in psutil.Process(run.pid).children(recursive=True)]
    yield run, found[0], started
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()


def gone(processes: list[int]) -> bool:
    """Whether none of some processes is left, but as an entry that nobody asked for yet."""
    states = [psutil.Process(one).status() for one in processes if psutil.pid_exists(one)]
    return all(state == psutil.STATUS_ZOMBIE for state in states)


def test_jobs_start_no_process_and_the_local_executor_makes_the_same(
    project: Path, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "sitecustomize.py").write_text(NOTE_STARTS)
    starts = {}
    for executor in ("unripple", "local"):
        folder = tmp_path / executor / "project"  # its name stands in the report
        shutil.copytree(project, folder)
        path = os.pathsep.join([str(notes), os.environ.get("PYTHONPATH", "")])
        words = () if executor == "unripple" else ("--executor", "local")
        finish(start(folder, *words, *TWO, PYTHONPATH=path, STARTS=str(notes / executor)))
        starts[executor] = (notes / executor).read_text().count("-P -m unripple")
    assert starts == {"unripple": 0, "local": 3}
    one, other = (everything(tmp_path / executor / "project") for executor in starts)
    assert one == other and len(one) > 10


def test_all_rules_of_stages_are_ours_and_what_needs_a_shell_is_not() -> None:
    rules = "".join(path.read_text() for path in (REPO / "rules").glob("*.smk"))
    commands = re.findall(r'shell:\n\s+"(.*)"', rules)
    ours = [command for command in commands if _OURS.fullmatch(command)]
    assert [command for command in commands if command not in ours] == [
        command for command in commands if command.startswith("python ")
    ]
    assert len(ours) >= 17
    for command in (
        "unripple stage align > {output}",
        "unripple stage align; rm {input}",
        "unripple stage align $HOME",
        "unripple stage align `id`",
        "unripple stage align *",
        "unripple stage align --job '{params.job}'",
        "unripple stage align --job {params.job:q} && true",
        "OMP_NUM_THREADS=2 unripple stage align",
        "unripple",
    ):
        assert not _OURS.fullmatch(command), command


@pytest.mark.parametrize("road", ["unripple", "local", "command"])
def test_a_photo_beyond_a_limit_fails_alone(project: Path, road: str) -> None:
    photos = project / "data/photos"
    (photos / "h-black.png").write_bytes(hostile.png(12000, 12000))
    (photos / "h-slow.jpg").write_bytes(hostile.scan_bomb(5000, 1500))
    text = (project / "config.yaml").read_text()
    limits = {"megapixels": 150, "seconds": 5, "memory_mb": 900}  # torch is counted, too
    config = json.loads(text) | {"limits": limits, "align": {"mode": "aligned"}}
    (project / "config.yaml").write_text(json.dumps(config))
    if road == "command":
        for words in (["sheet"], ["stage", "align", "--shard", "00000"]):
            subprocess.run([sys.executable, "-m", "unripple", *words], cwd=project, check=True)
    else:
        finish(start(project, ALIGN, "--executor", road))
    why = {photo: str(failure) for photo, failure in align(project).failures.items()}
    assert "h-black.png: took more than 900 MB of memory" in why["h-black"]
    assert "h-slow.jpg: took more than 5 s; raise limits.seconds" in why["h-slow"]
    assert "anna" in align(project).keys


def test_a_crash_costs_one_photo(at_bob, project: Path) -> None:
    run, worker, _ = at_bob
    worker.send_signal(signal.SIGSEGV)
    finish(run)
    assert set(align(project).keys) == {"anna"}
    assert align(project).failures["bob"].type == "Crashed"


def test_a_kill_from_outside_is_not_the_photos_fault(at_bob, project: Path) -> None:
    run, worker, _ = at_bob
    worker.kill()
    said = finish(run, status=1)
    sentence = "bob: the job's process was killed from outside by SIGKILL"
    assert sentence in said and "Traceback" not in said
    assert sentence in (project / "results/log/align/00000.log").read_text()
    assert not (project / ALIGN).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_jobs_end_with_their_run(at_bob, project: Path, number: signal.Signals) -> None:
    """As Ctrl-C, `timeout` and a system out of memory do it: to all, or to Snakemake alone."""
    run, _, started = at_bob
    (os.kill if number == signal.SIGKILL else os.killpg)(run.pid, number)
    run.communicate(timeout=PATIENCE_S)
    wait_for(lambda: gone(started), "a process outlives its run")
    assert not (project / ALIGN).exists()
    Image.fromarray(picture(2)).save(project / "data/photos/bob.png")  # one that is soon read
    finish(start(project, ALIGN))
    assert set(align(project).keys) == {"anna", "bob"}
