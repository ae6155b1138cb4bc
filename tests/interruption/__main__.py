"""`python -m tests.interruption --kills 50`: kill a run at random moments and see it recover.

Each kill: SIGKILL to the process group of a run of the plain command, at a moment drawn uniformly
over the duration of an undisturbed run, then the plain command again. All results are compared
byte for byte with those of the undisturbed run. Exit status 1 if one kill did not recover.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.interruption.harness import (
    Kill,
    differences,
    kills,
    make_project,
    moments,
    undisturbed,
    with_known_faces,
)


def main() -> int:
    """Kill and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.interruption", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="runs at a time")
    parser.add_argument(
        "--from-nothing",
        action="store_true",
        help="compute all in each run; else what the slow networks make is there already",
    )
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-") as temporary:
        folder = options.folder or Path(temporary)
        project = make_project(folder / "project")
        reference = undisturbed(project, folder / "undisturbed")
        say(f"undisturbed: {reference.seconds:.1f} s, {len(reference.files)} files compared")
        if not options.from_nothing:
            known = with_known_faces(project, folder / "undisturbed", folder / "known")
            wanted = reference.files
            reference = undisturbed(known, folder / "undisturbed-known")
            say(f"with the slow networks' work done before: {reference.seconds:.1f} s")
            assert not differences(reference.files, wanted)
        say("moment s   manifests   half-written   locked   exit   outcome")
        drawn = moments(reference.seconds, options.kills, options.seed)
        shares = [drawn[worker :: options.workers] for worker in range(options.workers)]

        def work(worker: int) -> list[Kill]:
            done = []
            place = folder / f"worker-{worker}"
            for kill in kills(reference, place, shares[worker], options.seed + worker):
                say(line(kill))
                done.append(kill)
            return done

        with ThreadPoolExecutor(options.workers) as pool:
            all_kills = [kill for share in pool.map(work, range(options.workers)) for kill in share]
    bad = [kill for kill in all_kills if not kill.recovered]
    say(f"{len(all_kills)} kills, {len(all_kills) - len(bad)} recovered with identical bytes")
    for kill in bad:
        say(f"\nkilled at {kill.moment_s:.2f} s:\n" + "\n".join(kill.wrong) + "\n" + kill.said)
    return 1 if bad else 0


def line(kill: Kill) -> str:
    """One row of the table."""
    outcome = "identical" if kill.recovered else f"{len(kill.wrong)} differences"
    return (
        f"{kill.moment_s:8.2f} {kill.manifests:11} {kill.half_written:14} "
        f"{'yes' if kill.locked else 'no':>8} {kill.status:6}   {outcome}"
    )


def say(text: str) -> None:
    """A line at once, also into a file."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
