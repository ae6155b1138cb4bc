"""Independent pieces of work on all cores of a CPU.

Torch splits every single layer among its threads, which then wait for each other some hundred times
per picture. Pictures that are drawn one by one anyway need not share: each gets a core of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor


def on_all_cores(draw: Callable[[int], Tensor], count: int) -> list[Tensor]:
    """Call a function with 0 to count - 1, without gradients, at the same time.

    Args:
        draw: computes on the CPU; must not depend on who else is at work.
        count: how many calls.

    Returns:
        What the calls gave, in order. Torch's threads are divided among those at work, so that no
        core has two masters; with one thread, or one call, it is the plain loop.
    """
    threads = torch.get_num_threads()
    workers = min(threads, count)
    if workers == 1:
        return [draw(n) for n in range(count)]
    # What a caller switched on holds for its own thread only.
    inference, mixed = torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")
    dtype = torch.get_autocast_dtype("cpu")

    def alone(n: int) -> Tensor:
        torch.set_num_threads(threads // workers)
        with (
            torch.inference_mode(inference),
            torch.no_grad(),
            torch.autocast("cpu", dtype, enabled=mixed),
        ):
            return draw(n)

    try:
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(alone, range(count)))
    finally:
        torch.set_num_threads(threads)
