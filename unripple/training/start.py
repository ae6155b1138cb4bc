"""Where a training starts: weights of another run, or weights that are shipped."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from unripple.conventions import BadCheckpoint
from unripple.training import checkpoint
from unripple.zoo.networks import EXTRAS
from unripple.zoo.weights import read_header, read_state


def averaged(path: Path, role: str) -> dict[str, Tensor]:
    """The averaged weights of a role, float32 on the CPU.

    Args:
        path: folder of a run, or an exported safetensors file; of that all but its `EXTRAS`.
        role: as tasks and files call it.

    Raises:
        BadCheckpoint: nothing of that role lies there.
    """
    if path.suffix == ".safetensors":
        stored_role = read_header(path)[0].get("role")
        if stored_role != role:
            raise BadCheckpoint(
                f"{path}: holds a {stored_role}, no {role}; name another one by --init"
            )
        return {name: value for name, value in read_state(path).items() if name not in EXTRAS}
    if not (path / checkpoint.NAME).exists():
        raise BadCheckpoint(
            f"{path}: neither a run with a {checkpoint.NAME} nor a safetensors file; train the "
            f"{role} first, or name its weights by --init"
        )
    averages = checkpoint.read(path / checkpoint.NAME)["ema"]
    if role not in averages:
        raise BadCheckpoint(f"{path}: trained {', '.join(averages)}, no {role}")
    return averages[role]


def load(state: dict[str, Tensor], path: Path, *nets: nn.Module) -> None:
    """Put the same weights into some nets.

    Raises:
        BadCheckpoint: they are another network's.
    """
    try:
        for net in nets:
            net.load_state_dict(state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise BadCheckpoint(f"{path}: other layers than this training's: {reason}") from error
