"""Measure text edits against the truth: held-out people, six texts, one or all methods.

    python benchmarks/texts.py [--photos 32] [--methods direction,global,optimise,mapper]
        [--strength 3] [--out runs/benchmark]

Every text is said to people of whom it is not true yet, whole pipeline, and judged by pictures of
the same people rendered with that one thing changed. For each text and method it prints

- success: how often the edit goes at least half of the way from the photo to the true picture, as
  whatever sees it tells: the attribute network (glasses, beard, skin, length of hair), or the mean
  colour of the hair (grey, blond) under the true hair, seen by no network at all;
- leak: how far all other attributes move, over how far they seem to move in the true edit;
- identity: likeness to the photo, less that of the true picture;
- nearer: how often the result is nearer to the true picture than the photo is, and by how many dB;
- background bytes that stay, and ghost before and after ripples are removed;
- how much better the result fits the text, and seconds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from benchmarks import heldout
from unripple.conventions import Face, Floats, Mask, Photo
from unripple.faceworld import INDEX, VERSION, render, with_factors
from unripple.io.text_edits import text_edit
from unripple.metrics.fidelity import psnr
from unripple.metrics.figures import edit_figures
from unripple.metrics.subject import cosine
from unripple.models.text_leads import Reader
from unripple.ops.tensors import to_tensor
from unripple.runtime.editor import Editor
from unripple.stages.measure import embed
from unripple.training.attributes import NAMES
from unripple.zoo.zoo import Zoo

ALIGNED = {"align": {"mode": "aligned"}}  # held-out people are crops already
LOOKED_THROUGH = 640  # held-out people among whom those are found who lack something
METHODS = ("direction", "global", "optimise", "mapper")
HAIR_COLOUR = "hair colour"
Factors = Mapping[str, float]


@dataclass(frozen=True)
class Text:
    """A text and its truth.

    Attributes:
        text, neutral: as an edit says them.
        changes: factors of the true picture.
        lacking: whether a face lacks it and could have it.
        judge: an attribute of the network, or `HAIR_COLOUR`.
        own: attributes that the change is about; all others are leaks.
    """

    text: str
    neutral: str
    changes: Mapping[str, float]
    lacking: Callable[[Factors], bool]
    judge: str
    own: tuple[str, ...]


def _hair(f: Factors) -> bool:
    """Whether the hair can be seen well."""
    return f["bald"] < 0.5 and f["hat"] < 0.5


TEXTS: Mapping[str, Text] = {
    "glasses": Text(
        "a face with glasses", "a face", {"glasses": 1.0, "glasses_dark": 0.0},
        lambda f: f["glasses"] < 0.5,
        "glasses", ("glasses", "glasses_dark", "eye_size", "eye_open"),
    ),
    "beard": Text(
        "a man with a beard", "a face", {"beard": 0.9},
        lambda f: f["beard"] < 0.1 and f["masculinity"] > 0.2,
        "beard", ("beard", "moustache", "masculinity", "chin", "jaw_width"),
    ),
    "grey": Text(
        "a face with grey hair", "a face with hair", {"grey": 0.95},
        lambda f: _hair(f) and f["grey"] < 0.15 and f["hair_light"] < 0.6,
        HAIR_COLOUR, ("grey", "hair_light", "hair_warmth"),
    ),
    "blond": Text(
        "a face with blond hair", "a face with hair", {"hair_light": 0.85, "hair_warmth": 0.1},
        lambda f: _hair(f) and f["grey"] < 0.15 and f["hair_light"] < 0.4,
        HAIR_COLOUR, ("grey", "hair_light", "hair_warmth"),
    ),
    "dark": Text(
        "a face with dark skin", "a face", {"melanin": 0.9},
        lambda f: f["melanin"] < 0.35,
        "melanin", ("melanin", "redness", "freckles"),
    ),
    "short": Text(
        "a face with short hair", "a face with hair", {"hair_length": 0.1},
        lambda f: _hair(f) and f["hair_length"] > 0.65,
        "hair_length", ("hair_length", "hair_volume", "hair_curl", "earring", "ear_size"),
    ),
}  # fmt: skip


class Case(NamedTuple):
    """A photo, a text, and the true picture of the edit.

    Attributes:
        name: of the text.
        person: number.
        hair: where both pictures show hair that is the person's own, bool [S, S].
    """

    name: str
    person: int
    photo: Photo
    truth: Photo
    plate: Photo
    before: Mask
    after: Mask
    hair: Mask


class Row(NamedTuple):
    """Figures of one edit; see the module."""

    success: float
    way: float
    leak: float
    true_leak: float
    identity: float
    gain_db: float
    background_identical: float
    ghost_before: float
    ghost_after: float
    similarity: float
    seconds: float


# --------------------------------------------------------------------------------------- the truth


def cases(count: int, size: int, names: Sequence[str], folder: Path) -> list[Case]:
    """For every text the first people who lack it, in the order of the people.

    Args:
        count: for each text.
        size: side of the pictures, px.
        names: of texts.
        folder: where rendered pictures are kept.
    """
    factors = heldout.factors_of_people(LOOKED_THROUGH)
    wanted: list[tuple[int, str]] = []
    for name in names:
        lack = [
            i
            for i, row in enumerate(factors)
            if TEXTS[name].lacking({key: float(row[k]) for key, k in INDEX.items()})
        ]
        wanted += [(i, name) for i in lack[:count]]
    wanted.sort()  # a person's edits follow each other: the photo is inverted once
    drawn: Stored = {}
    for name in names:
        some = [i for i, other in wanted if other == name]
        cache = folder / f"texts-{VERSION}-{heldout.SEED}-{name}-{count}-{size}.pt"
        if not cache.exists():
            folder.mkdir(parents=True, exist_ok=True)
            partial = cache.with_suffix(".part")
            torch.save(_rendered(factors[some], some, name, size), partial)
            partial.replace(cache)
        kept = torch.load(cache, weights_only=True)
        drawn |= {(i, name): {k: v[n] for k, v in kept.items()} for n, i in enumerate(some)}
    return [_case(i, name, drawn[i, name]) for i, name in wanted]


Stored = dict[tuple[int, str], dict[str, Tensor]]


def _rendered(factors: Tensor, people: list[int], name: str, size: int) -> dict[str, Tensor]:
    """Photos of people and their true edits."""
    compiled = shutil.which("gcc") is not None
    parts = []
    for rows in torch.arange(len(factors)).split(heldout.BATCH):
        seeds = heldout.SEED + torch.tensor(people)[rows]
        faces = render(factors[rows], seeds, size=size, compiled=compiled)
        changed = with_factors(faces.factors, **TEXTS[name].changes)
        true = render(changed, seeds, size=size, plates=faces.plate, compiled=compiled)
        parts.append(
            {
                "photo": faces.photo,
                "truth": true.photo,
                "plate": faces.plate,
                "before": faces.alpha,
                "after": true.alpha,
                "hair": (faces.labels == Face.HAIR) & (true.labels == Face.HAIR),
            }
        )
    return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}


def _case(person: int, name: str, kept: Mapping[str, Tensor]) -> Case:
    photo, truth, plate = (heldout.picture(kept[key]) for key in ("photo", "truth", "plate"))
    before, after = (heldout.mask(kept[key]) for key in ("before", "after"))
    return Case(name, person, photo, truth, plate, before, after, np.asarray(kept["hair"].numpy()))


# -------------------------------------------------------------------------------------- the judges


class Judges:
    """What sees the edits; no loss of any text edit used the attribute network."""

    def __init__(self, zoo: Zoo) -> None:
        self.attributes = zoo.load("attributes")
        self.identity = zoo.load("identity")
        clip = zoo.load("clip")
        self.reader = Reader(clip.net, clip.metadata)

    @torch.inference_mode()
    def scores(self, picture: Photo) -> Tensor:
        """Of every attribute, standardised; chances of switches. [N]."""
        net: Any = self.attributes.net
        side = self.attributes.size_px
        looked = to_tensor(picture)
        if looked.shape[-1] != side:
            looked = F.interpolate(looked, (side, side), mode="bilinear", antialias=True)
        found: Tensor = net.scores(looked)[0].float()
        return torch.where(net.switch, found.sigmoid(), found)

    def embedding(self, picture: Photo) -> Floats:
        """Of the person."""
        return embed(picture, self.identity.net, net_size_px=self.identity.size_px)

    @torch.inference_mode()
    def fits(self, picture: Photo, text: str) -> float:
        """Cosine of a picture and a text."""
        said = F.normalize(self.reader.read(text, ("{}",)).mean(0), dim=-1)
        return float(self.reader.see(to_tensor(picture))[0] @ said)


def way(case: Case, result: Photo, scores: Mapping[str, Tensor]) -> float:
    """How far a result went from the photo (0) to the true picture (1), as its judge sees it."""
    judge = TEXTS[case.name].judge
    if judge == HAIR_COLOUR:
        before, after, got = (
            picture[case.hair].astype(np.float64).mean(0)
            for picture in (case.photo, case.truth, result)
        )
    else:
        k = NAMES.index(judge)
        before, after, got = (
            np.array([float(scores[name][k])]) for name in ("photo", "truth", "result")
        )
    whole = after - before
    return float((got - before) @ whole / max(float(whole @ whole), 1e-9))


def leak(one: Tensor, other: Tensor, own: tuple[str, ...]) -> float:
    """Mean distance over all attributes that the change is not about."""
    kept = [k for k, name in enumerate(NAMES) if name not in own]
    return float((one - other)[kept].abs().mean())


def measured(case: Case, walked: Mapping[str, Any], judges: Judges, seconds: float) -> Row:
    """The figures of one edit."""
    result: Photo = walked["compose"]["picture"]
    edited: Photo = walked["edit"]["picture"]
    about = TEXTS[case.name]
    shown = {"photo": case.photo, "truth": case.truth, "result": result}
    scores = {name: judges.scores(picture) for name, picture in shown.items()}
    persons = {name: judges.embedding(picture) for name, picture in shown.items()}
    known = {"plate": case.plate, "counterfactual": case.truth}
    before, after = (
        edit_figures(case.photo, picture, case.before, case.after, **known)
        for picture in (edited, result)
    )
    went = way(case, result, scores)
    return Row(
        success=float(went >= 0.5),
        way=went,
        leak=leak(scores["result"], scores["photo"], about.own),
        true_leak=leak(scores["truth"], scores["photo"], about.own),
        identity=cosine(persons["photo"], persons["result"])
        - cosine(persons["photo"], persons["truth"]),
        gain_db=psnr(result, case.truth) - psnr(case.photo, case.truth),
        background_identical=after["background_identical"],
        ghost_before=before.get("ghost_transmission", np.nan),
        ghost_after=after.get("ghost_transmission", np.nan),
        similarity=judges.fits(result, about.text) - judges.fits(case.photo, about.text),
        seconds=seconds,
    )


# ---------------------------------------------------------------------------------------- the table


def edits_of(
    chosen: argparse.Namespace, people: list[Case], method: str, sheet: list[tuple[Case, Photo]]
) -> dict[str, list[Row]]:
    """All edits by one method, by text."""
    models = dict(one.split("=", 1) for one in chosen.models)
    editor = Editor(settings=ALIGNED | {"models": models})
    judges = Judges(Zoo(models))
    rows: dict[str, list[Row]] = {}
    for case in people:
        about = TEXTS[case.name]
        said: dict[str, Any] = {"text": about.text, "neutral": about.neutral, "method": method}
        if chosen.strength is not None:
            said["strength"] = chosen.strength
        if method == "mapper":
            said.pop("neutral")
        if method == "global" and chosen.channels is not None:
            said["channels"] = chosen.channels
        edit = text_edit(case.name, said, where="")
        editor.run(case.photo, "project")  # what all edits of a photo share is not counted
        begun = time.process_time()
        walked = editor.run(case.photo, "compose", edit)
        seconds = time.process_time() - begun
        rows.setdefault(case.name, []).append(measured(case, walked, judges, seconds))
        sheet.append((case, walked["compose"]["picture"]))
        print(f"{method} {case.name} {case.person} {rows[case.name][-1]}", flush=True)
    return rows


def summary(rows: list[Row]) -> dict[str, float]:
    """Of the edits of one text, or of all."""
    middle = {name: _median([getattr(row, name) for row in rows]) for name in Row._fields}
    middle["success"] = statistics.mean(row.success for row in rows)
    middle["nearer"] = statistics.mean(row.gain_db > 0 for row in rows)
    middle["leak_ratio"] = statistics.mean(r.leak for r in rows) / statistics.mean(
        r.true_leak for r in rows
    )
    middle["ghost_before"], middle["ghost_after"] = (
        _median([abs(getattr(row, name)) for row in rows])
        for name in ("ghost_before", "ghost_after")
    )
    middle["seconds"] = statistics.mean(row.seconds for row in rows)
    return middle


def _median(values: list[float]) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")


COLUMNS = {
    "success": "{:.0%}", "way": "{:.2f}", "leak_ratio": "{:.2f}", "identity": "{:+.3f}",
    "nearer": "{:.0%}", "gain_db": "{:+.1f}", "background_identical": "{:.4f}",
    "ghost_before": "{:.3f}", "ghost_after": "{:.3f}", "similarity": "{:+.3f}", "seconds": "{:.1f}",
}  # fmt: skip


def table(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Method -> text -> figures, in Markdown."""
    lines = [
        f"| method | text | {' | '.join(COLUMNS)} |",
        f"| --- | --- |{' --- |' * len(COLUMNS)}",
    ]
    for method, texts in found.items():
        for name, figures in texts.items():
            cells = [form.format(figures[column]) for column, form in COLUMNS.items()]
            lines.append(f"| `{method}` | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw_sheet(path: Path, shown: list[tuple[Case, Photo]], per_text: int = 12) -> None:
    """Of every text some people: photo, edit, truth below each other."""
    rows = []
    for name in TEXTS:
        some = [(case, made) for case, made in shown if case.name == name][:per_text]
        if some:
            columns = [np.concatenate((c.photo, made, c.truth)) for c, made in some]
            empty = [np.zeros_like(columns[0])] * (per_text - len(columns))
            rows.append(np.concatenate([*columns, *empty], axis=1))
    Image.fromarray(np.concatenate(rows)).save(path)


def main(words: list[str] | None = None) -> dict[str, Any]:
    """Print the table; what it holds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--photos", type=int, default=32, help="for each text")
    parser.add_argument("--methods", default=METHODS[0], help=",".join(METHODS))
    parser.add_argument("--texts", default=",".join(TEXTS))
    parser.add_argument("--strength", type=float, help="instead of each method's own")
    parser.add_argument("--channels", type=int, help="of `global`")
    parser.add_argument("--models", nargs="*", default=[], metavar="ROLE=FILE", help="not embedded")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    chosen = parser.parse_args(words)
    size = Zoo().load("encoder").size_px
    people = cases(chosen.photos, size, chosen.texts.split(","), chosen.out)
    found: dict[str, dict[str, dict[str, float]]] = {}
    chosen.out.mkdir(parents=True, exist_ok=True)
    for method in chosen.methods.split(","):
        sheet: list[tuple[Case, Photo]] = []
        rows = edits_of(chosen, people, method, sheet)
        found[method] = {name: summary(rows[name]) for name in TEXTS if name in rows}
        found[method]["all"] = summary([row for some in rows.values() for row in some])
        draw_sheet(chosen.out / f"texts-{method}.png", sheet)
    print(table(found), flush=True)
    report = {"photos": chosen.photos, "methods": found}
    (chosen.out / "texts.json").write_text(json.dumps(report, indent=1) + "\n")
    return report


if __name__ == "__main__":
    main()
