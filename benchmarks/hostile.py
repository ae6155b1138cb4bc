"""Files made to hurt: each is read or refused by a typed error, within bounds; no photo is lost.

    python benchmarks/hostile.py --files 300 --photos 5000

Model, latent, table and config files are read one by one in a forked child. Photos go through the
align stage of a shard, as a workflow's job does it, with a good one among every fifty.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.badinput import hostile, mutated, runs
from tests.tiny import picture
from unripple import conventions
from unripple.conventions import UnrippleError

MOST_S, MOST_MB = 60.0, 2000.0
GOOD_EVERY = 50


def judged(one: mutated.File, folder: Path) -> tuple[str, float, float]:
    """What becomes of a file: "read", "typed ..." or what went wrong; seconds, peak MB."""
    path = folder / one.name
    path.write_bytes(one.data)
    receive, send = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os.write(send, _outcome(one.kind, path).encode()[:1000])
        os._exit(0)
    os.close(send)
    while True:
        done, _, usage = os.wait4(child, os.WNOHANG)
        seconds = time.monotonic() - start
        if done:
            break
        if seconds > MOST_S:
            os.kill(child, 9)
        time.sleep(0.002)
    word = os.read(receive, 1000).decode() or f"DIED after {seconds:.1f} s"
    os.close(receive)
    path.unlink(missing_ok=True)
    return word, seconds, usage.ru_maxrss / 1e3


def _outcome(kind: str, path: Path) -> str:
    try:
        mutated.read(kind, path)
    except UnrippleError as error:
        return f"typed {type(error).__name__}"
    except BaseException as error:  # what this looks for
        return f"UNTYPED {type(error).__name__}: {error}"
    return "read"


def read_files(count: int, seed: int) -> bool:
    """Read hostile files of all kinds; whether all ended well."""
    words: Counter[str] = Counter()
    slowest, largest, bad = 0.0, 0.0, 0
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        for one in mutated.files(count, seed):
            word, seconds, peak_mb = judged(one, Path(folder))
            words[word.partition(":")[0]] += 1
            slowest, largest = max(slowest, seconds), max(largest, peak_mb)
            if not word.startswith(("read", "typed")) or peak_mb > MOST_MB or seconds > MOST_S:
                bad += 1
                print(f"{one.kind} {one.name}: {word}, {seconds:.1f} s, {peak_mb:.0f} MB")
    print(f"{count} files: {dict(words)}; slowest {slowest:.1f} s, largest {largest:.0f} MB")
    return bad == 0


def spoilt_photos(count: int, seed: int, photos: Path) -> set[str]:
    """Write mutated photos with good ones among them; the names of the good ones."""
    rng = np.random.default_rng(seed)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    options = {"exif": exif.tobytes(), "icc_profile": hostile.colour_profile(1.8)}
    sources = [
        hostile.encoded(Image.fromarray(picture(seed)), kind, **options, **more)
        for kind, more in (("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("WEBP", {}))
    ]
    good = set()
    for number in range(count):
        source = sources[number % len(sources)]
        name = f"{number:06}.png"
        if number % GOOD_EVERY == 0:
            good.add(name)
            (photos / name).write_bytes(source)
            continue
        if rng.random() < 0.2:  # a chunk, segment or box many times over, or with another length
            at = int(rng.integers(8, len(source) - 8))
            part = source[at : at + int(rng.integers(4, 400))] * int(rng.integers(1, 40))
            data = source[:at] + part + source[at + int(rng.integers(0, 9)) :]
        else:
            data = next(hostile.flipped(source, 1, seed=seed * 10**7 + number))
        (photos / name).write_bytes(data)
    return good


def read_photos(count: int, seed: int) -> bool:
    """Take mutated photos through align; whether all ended well."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="hostile-") as place:
        folder = runs.make_project(Path(place))
        good = spoilt_photos(count, seed, folder / "data/photos")
        start = time.monotonic()
        manifests = runs.align(folder).values()
        seconds = time.monotonic() - start
        # A photo of that name has it without its ending as its id.
        made = {f"{photo}.png" for one in manifests for photo in one.keys}
        whys = [why for one in manifests for why in one.failures.values()]
    untyped = [why for why in whys if not issubclass(_kind(why.type), UnrippleError)]
    for why in untyped[:20]:
        print(f"UNTYPED {why}")
    lost, unheard = good - made, count - len(made) - len(whys)
    over = [str(why) for why in whys if why.type in ("LimitExceeded", "Crashed")]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    print(
        f"{count} photos in {seconds:.0f} s: {len(made)} read, "
        f"{dict(Counter(why.type for why in whys))}; {len(untyped)} untyped, {len(lost)} of "
        f"{len(good)} good ones lost, {unheard} unheard of; largest process {peak:.0f} MB"
    )
    for text in over[:20]:
        print(text)
    return not untyped and not lost and not unheard and peak <= MOST_MB


def _kind(name: str) -> type:
    kind = getattr(conventions, name, None)
    return kind if isinstance(kind, type) else object


def main() -> int:
    """Read both; 1 if anything ended otherwise than it must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--photos", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    good = read_files(options.files, options.seed) if options.files else True
    if options.photos:
        good = read_photos(options.photos, options.seed) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
