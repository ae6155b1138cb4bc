"""How fast every network runs, side by side with the machine's own matrix products.

    python benchmarks/networks.py [--quick] [--only NAME ...] [--device cpu|cuda] [--threads N]

Published sizes, random weights, batch 1, float32 without TF32, on one thread and on all: what the
product computes in. (It keeps to one thread, on which bytes do not depend on the machine, but for
LaMa, which has several where nothing else is to be done; and it folds a parser's batch norms, as
this does.) It never computes in bf16. On a GPU bf16 stands beside float32, because trainings choose
it where it is quicker; where its relative error (root mean square) is 1% or more, the error is
shown instead of a speed.

Every timed call of a network is followed by a timed matrix product of the same type on as many
threads, and the share is the median over these pairs of the two rates, so what slows the machine
down slows both. FLOPs are those that torch counts: products and convolutions, not FFTs or
activations. The last table shows what a batch gains in HFGI's edit path.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from unripple.models import (
    anycost,
    bisenet,
    curricularface,
    dpt,
    e4e,
    flow,
    gfpgan,
    graphonomy,
    hfgi,
    irse,
    lama,
    stylegan2,
)
from unripple.models.layers.folding import fold_norms
from unripple.models.layers.precision import exact_products
from unripple.stages.invert import Consultant, consult, draw
from unripple.zoo.memory import keep_freed_memory

WORST_ERROR = 0.01
ENOUGH_VALUES = 16
MATRIX_SIDE = {"cpu": 1024, "cuda": 8192}
Call = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """A network at its published size.

    Attributes:
        build: makes it, with random weights.
        shapes: of its arguments, without the batch.
        call: how it is used; as a function, if nothing else is said.
        folds: whether the product folds its batch norms.
    """

    build: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...]
    call: Call = lambda net, *arguments: net(*arguments)
    folds: bool = False


def synthesized(net: Any, w_plus: Tensor) -> Tensor:
    picture: Tensor = net.synthesize(w_plus)
    return picture


def cut_short(net: Any, w_plus: Tensor) -> Tensor:
    picture: Tensor = net.synthesize(w_plus, **anycost.uniform(0.5, 512)._asdict())
    return picture


def clip() -> nn.Module:
    import open_clip

    net: nn.Module = open_clip.CLIP(**open_clip.get_model_config("ViT-B-32-quickgelu"))
    return net


def words(net: Any, noise: Tensor) -> Tensor:
    """CLIP's text tower, on tokens drawn from the noise."""
    features: Tensor = net.encode_text((noise.abs() * 1000).long())
    return features


CASES: Mapping[str, Case] = {
    "stylegan2 1024": Case(stylegan2.Generator, ((18, 512),), synthesized),
    "anycost 512, half": Case(stylegan2.Generator, ((18, 512),), cut_short),
    "anycost encoder": Case(anycost.AnycostEncoder, ((3, 256, 256),)),
    "e4e": Case(e4e.Encoder, ((3, 256, 256),)),
    "hfgi aligner": Case(hfgi.Aligner, ((3, 256, 256), (3, 256, 256))),
    "hfgi residual": Case(hfgi.ResidualEncoder, ((3, 256, 256),)),
    "arcface": Case(irse.Backbone, ((3, 112, 112),)),
    "curricularface": Case(curricularface.CurricularFace, ((3, 112, 112),)),
    "bisenet": Case(bisenet.BiSeNet, ((3, 512, 512),), folds=True),
    "graphonomy": Case(graphonomy.Graphonomy, ((3, 512, 512),), folds=True),
    "dpt large": Case(dpt.DPT, ((3, 384, 384),)),
    "dpt hybrid": Case(partial(dpt.DPT, **dpt.HYBRID), ((3, 384, 384),)),
    "lama": Case(lama.Lama, ((3, 512, 512), (1, 512, 512))),
    "gfpgan": Case(gfpgan.GFPGAN, ((3, 512, 512),)),
    "clip picture": Case(clip, ((3, 224, 224),), lambda net, x: net.encode_image(x)),
    "clip text": Case(clip, ((77,),), words),
}


@dataclass(frozen=True)
class Speed:
    """What was measured of one network, one way.

    Attributes:
        flops: of one call.
        seconds: of one call by the clock, the median.
        cpu_s: of one call by the processor, the median.
        share: its FLOP/s over those of the matrix product, the median over the pairs.
        error: relative, of bf16 against float32; 0 for float32.
    """

    flops: float
    seconds: float
    cpu_s: float
    share: float
    error: float = 0.0

    @property
    def refused(self) -> bool:
        """Whether the way is too inexact to be used; then it was not timed."""
        return not self.error < WORST_ERROR


def measure(case: Case, device: torch.device, *, pairs: int) -> dict[str, Speed]:
    """Time one network: "one thread" and "all threads" on a CPU, "float32" and "bf16" on a GPU."""
    torch.manual_seed(0)
    net = stirred(case.build()).to(device)
    arguments = [torch.randn(1, *shape).to(device) for shape in case.shapes]
    with torch.no_grad(), exact_products():
        run = partial(case.call, net, *arguments)
        calibrate(net, run)
        if case.folds:
            fold_norms(net)
        with FlopCounterMode(display=False) as counted:
            wanted = first(run())
        flops = float(counted.get_total_flops())
        if device.type == "cpu":
            return on_threads(run, device, flops, pairs)
        speeds = {"float32": paired(run, device, None, flops, pairs)}
        net.to(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            error = deviation(first(run()), wanted)
        speeds["bf16"] = Speed(flops, 0.0, 0.0, 0.0, error)
        if not speeds["bf16"].refused:
            speeds["bf16"] = paired(run, device, torch.bfloat16, flops, pairs, error)
    return speeds


def on_threads(run: Call, device: torch.device, flops: float, pairs: int) -> dict[str, Speed]:
    """Time calls on one thread and on all that torch has."""
    threads, speeds = torch.get_num_threads(), {}
    for way, count in (("one thread", 1), ("all threads", threads)):
        torch.set_num_threads(count)
        speeds[way] = paired(run, device, None, flops, pairs)
    torch.set_num_threads(threads)
    return speeds


def paired(
    run: Call,
    device: torch.device,
    dtype: torch.dtype | None,
    flops: float,
    pairs: int,
    error: float = 0.0,
) -> Speed:
    """Time calls and matrix products in turn, after one of each that does not count."""
    side = MATRIX_SIDE[device.type]
    a, b = torch.randn(2, side, side, device=device, dtype=dtype or torch.float32)
    seconds, cpu_s, shares = [], [], []
    for pair in range(pairs + 1):
        started = time.process_time()
        with torch.autocast(device.type, dtype) if dtype else nullcontext():
            spent = timed(run, device)
        worked = time.process_time() - started
        product = timed(lambda: a @ b, device)
        if pair:
            seconds.append(spent)
            cpu_s.append(worked)
            shares.append(flops / spent / (2 * side**3 / product))
    medians = (statistics.median(values) for values in (seconds, cpu_s, shares))
    return Speed(flops, *medians, error)


def timed(run: Call, device: torch.device) -> float:
    """Seconds of one call; on a GPU by its own events."""
    if device.type != "cuda":
        started = time.perf_counter()
        run()
        return time.perf_counter() - started
    before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize(device)
    before.record()
    run()
    after.record()
    after.synchronize()
    return float(before.elapsed_time(after)) / 1000


def matrix_rate(device: torch.device, dtype: torch.dtype, *, repeats: int = 10) -> float:
    """FLOP/s of a large square matrix product, the median."""
    side = MATRIX_SIDE[device.type]
    a, b = torch.randn(2, side, side, device=device, dtype=dtype)
    seconds = [timed(lambda: a @ b, device) for _ in range(repeats + 1)]
    return 2 * side**3 / statistics.median(seconds[1:])


def stirred(net: Any) -> Any:
    """Weights under which every layer says something, as a trained network's do; no gradients."""
    for weights in net.parameters():
        if not weights.any():
            nn.init.normal_(weights, std=0.1)
    return net.eval().requires_grad_(False)


def calibrate(net: nn.Module, run: Call) -> None:
    """Let every batch norm know what it sees in one call, as after training.

    Random weights without it fade or explode with depth, and rounding errors with them. Norms of
    single pixels keep what they have: their statistics would be those of a handful of numbers.
    """

    def learn(norm: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        assert isinstance(norm.running_mean, Tensor) and isinstance(norm.running_var, Tensor)
        values = arguments[0].float().transpose(0, 1).flatten(1)  # [C, B * H * W]
        if values.shape[1] >= ENOUGH_VALUES:
            norm.running_mean.copy_(values.mean(1))
            norm.running_var.copy_(values.var(1))

    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    hooks = [norm.register_forward_pre_hook(learn) for norm in norms]
    run()
    for hook in hooks:
        hook.remove()


def deviation(got: Tensor, wanted: Tensor) -> float:
    """Relative error, root mean square; infinite where a number is none."""
    error = float((got.float() - wanted.float()).norm() / wanted.float().norm())
    return error if error == error else float("inf")


def first(result: Tensor | Sequence[Tensor]) -> Tensor:
    return result if isinstance(result, Tensor) else result[0]


def edit_path(
    sizes: str, device: torch.device
) -> tuple[Callable[[Tensor, Tensor], Tensor], int, tuple[int, int]]:
    """HFGI's edit of codes with a residual; and the residual's side and the shape of the codes.

    Args:
        sizes: "embedded" or "published".
        device: where it runs.
    """
    torch.manual_seed(0)
    if sizes == "published":
        generator, aligner, side = stylegan2.Generator(), hfgi.Aligner(), 256
        residual_encoder = hfgi.ResidualEncoder()
    else:
        channels = {4: 160, 8: 160, 16: 128, 32: 96, 64: 64, 128: 32}
        generator, side = stylegan2.Generator(128, 256, 4, channels), 128
        aligner = hfgi.Aligner((16, 16, 32, 48))
        residual_encoder = hfgi.ResidualEncoder((16, 32, 32), 64, strides=(2, 1))
    nets = [stirred(net).to(device) for net in (generator, aligner, residual_encoder)]
    moving = [stirred(flow.EditFlowNet()).to(device)] if sizes == "embedded" else []
    consultant = Consultant(nets[1], nets[2], hfgi.CONSULTED, side, *moving)

    def edited(codes: Tensor, residual: Tensor) -> Tensor:
        plain = draw(codes, nets[0], size_px=side)
        return consult(codes, plain, residual, nets[0], consultant, before=plain).drawn

    return edited, side, (generator.n_codes, generator.style_dim)


def batch_gain(
    sizes: str, device: torch.device, *, batch: int, singles: int, rounds: int
) -> tuple[float, float, float]:
    """Seconds per picture at batch 1 and in a batch, and the median ratio, measured in turn.

    Args:
        sizes: "embedded" or "published".
        device: where it runs.
        batch: pictures at once.
        singles: pictures one at a time, before each batch.
        rounds: of both.
    """
    run, side, codes_shape = edit_path(sizes, device)
    codes = torch.randn(batch, *codes_shape, device=device)
    residual = 0.1 * torch.randn(batch, 3, side, side, device=device)
    one = [partial(run, codes[i : i + 1], residual[i : i + 1]) for i in range(singles)]
    alone, together = [], []
    with torch.no_grad(), exact_products():
        one[0]()
        run(codes, residual)  # takes from the system the memory that it then keeps
        for _ in range(rounds):
            alone.append(statistics.fmean(timed(single, device) for single in one))
            together.append(timed(partial(run, codes, residual), device) / batch)
    ratios = [a / b for a, b in zip(alone, together, strict=True)]
    return statistics.median(alone), statistics.median(together), statistics.median(ratios)


def row(name: str, speeds: Mapping[str, Speed]) -> str:
    """One line of the table."""
    one, other = speeds.values()
    cells = [name, f"{one.flops / 1e9:.1f}"]
    for speed in (one, other):
        if speed.refused:
            cells += [f"refused: {speed.error:.2%} off", "", "", ""]
        else:
            rate = speed.flops / speed.seconds / 1e9
            times = (f"{span * 1e3:.1f}" for span in (speed.seconds, speed.cpu_s))
            cells += [*times, f"{rate:.0f}", f"{speed.share:.2f}"]
    gain = "" if other.refused else f"{one.seconds / other.seconds:.2f}"
    return "| " + " | ".join([*cells, gain]) + " |"


def show_networks(device: torch.device, names: Sequence[str], *, pairs: int) -> None:
    """Print the table of the networks."""
    print(f"\n### Networks on {device}, batch 1\n")
    on_cpu = device.type == "cpu"
    for dtype in (torch.float32,) if on_cpu else (torch.float32, torch.bfloat16):
        with exact_products():
            print(f"matrix product, {dtype}: {matrix_rate(device, dtype) / 1e9:.0f} GFLOP/s  ")
    ways = ("one thread", "all threads") if on_cpu else ("float32", "bf16")
    columns = "".join(f" {way}: ms | CPU ms | GFLOP/s | share |" for way in ways)
    print(f"\n| network | GFLOP |{columns} gain |")
    print("| --- |" + " ---: |" * 10)
    for name in names:
        try:
            print(row(name, measure(CASES[name], device, pairs=pairs)), flush=True)
        except ModuleNotFoundError as missing:
            print(f"| {name} | not measured: {missing.name} is not installed |", flush=True)
        gc.collect()


def show_batches(device: torch.device, *, quick: bool) -> None:
    """Print what a batch of 8 gains in HFGI's edit path."""
    print(f"\n### HFGI's edit path on {device}: a batch of 8 against one at a time\n")
    print("| sizes | ms per picture, one | ms per picture, batch | one / batch |")
    print("| --- | ---: | ---: | ---: |")
    for sizes, singles, rounds in (
        ("embedded", 8, 3 if quick else 9),
        ("published", 2 if quick else 8, 1 if quick else 5),
    ):
        one, many, ratio = batch_gain(sizes, device, batch=8, singles=singles, rounds=rounds)
        print(f"| {sizes} | {one * 1e3:.1f} | {many * 1e3:.1f} | {ratio:.2f} |", flush=True)
        gc.collect()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--only", nargs="+", default=[], help="begin of names; hfgi-batch as well")
    parser.add_argument(
        "--device", help="one device instead of the CPU and, if there is one, a GPU"
    )
    parser.add_argument("--threads", type=int, help="of the CPU; all cores if not given")
    asked = parser.parse_args()
    keep_freed_memory()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    devices = [asked.device] if asked.device else ["cpu", "cuda"][: 1 + torch.cuda.is_available()]
    names = [n for n in CASES if not asked.only or n.startswith(tuple(asked.only))]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for device in map(torch.device, devices):
        if names:
            show_networks(device, names, pairs=3 if asked.quick else 9)
        if not asked.only or "hfgi-batch" in asked.only:
            show_batches(device, quick=asked.quick)


if __name__ == "__main__":
    main()
