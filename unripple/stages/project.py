"""project: describe an aligned picture by the generator's codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from unripple.conventions import BadConfig, Floats, Photo, WPlus
from unripple.stages.interface import DRAWN, Plan, Settings, Stage, Values, Work, knob
from unripple.stages.inverters import INVERTERS
from unripple.stages.projectors import PROJECTORS

if TYPE_CHECKING:
    from torch import Tensor

    from unripple.models.anycost import AnycostEncoder, Distance
    from unripple.models.stylegan2 import Generator
    from unripple.ops.minimise import State

ENCODER = "encoder"


class Projected(NamedTuple):
    """The parts of this stage.

    Attributes:
        w_plus: the codes, float32 [L, W].
        guide: other codes of the same photo, likewise, whose change under an edit leads the
            inverter; None for those inverters that need none.
    """

    w_plus: WPlus
    guide: WPlus | None = None


@dataclass(frozen=True, kw_only=True)
class ProjectSettings(Settings):
    """How codes are found; the encoder alone has no settings."""

    method: str = knob(
        ENCODER,
        "encoder | optimise (go on from there, drawing nearer to the photo) | restyle (corrected "
        "after every look at what it draws) | psp | w (one code, by HyperStyle's encoder) | pivot "
        "(one code, step by step)",
        choices=PROJECTORS,
    )
    iterations: int = knob(100, "optimise: 0 to 1000; the best is kept", minimum=0, maximum=1000)
    optimiser: Literal["lbfgs", "adam"] = knob("lbfgs", "lbfgs (with a line search) | adam")
    mse_weight: float = knob(
        10,
        "of the mean square difference, pictures being -1 to 1 (published: 1)",
        minimum=0,
        maximum=1000000,
    )
    perceptual_weight: float = knob(
        1, "of the difference that the parser's features see (no LPIPS)", minimum=0, maximum=1000000
    )
    encoder_weight: float = knob(
        0.5,
        "of the mean square distance to the encoder's codes: more keeps the codes where edits "
        "work, less comes nearer to the photo",
        minimum=0,
        maximum=1000000,
    )
    learning_rate: float = knob(0.01, "of adam", above=0, maximum=10)
    batch: int = knob(
        1,
        "photos at once, on a GPU alone (on a CPU one by one, whatever it says)",
        minimum=1,
        maximum=1024,
    )


def project(
    picture: Photo,
    encoder: Callable[[Tensor], Tensor],
    latent_avg: WPlus | Tensor,
    *,
    net_size_px: int | None = None,
) -> WPlus:
    """Encode a picture.

    Args:
        picture: uint8 [S, S, 3].
        encoder: e4e, float [B, 3, n, n] in [-1, 1] -> codes [B, L, W] relative to the average.
        latent_avg: the average code, [L, W] or [W].
        net_size_px: side n at which the encoder works (256 in the published one); None: at S.

    Returns:
        w_plus, float32 [L, W].
    """
    import torch

    from unripple.ops.tensors import device_of, resized, to_tensor

    with torch.inference_mode():
        looked = resized(picture, net_size_px or picture.shape[0])
        codes = encoder(to_tensor(looked, device=device_of(encoder)))[0].float().cpu()
        average = torch.as_tensor(latent_avg).float().cpu()
        w_plus: WPlus = (codes + average).numpy().astype(np.float32)
    return w_plus


def project_by_anycost(picture: Photo, encoder: AnycostEncoder) -> WPlus:
    """Encode a picture by anycost's encoder, which holds its average itself.

    Args:
        picture: uint8 [S, S, 3].
        encoder: gives codes [B, L, W].

    Returns:
        w_plus, float32 [L, W].

    Source: `tools/project.py` of mit-han-lab/anycost-gan, whose resizing it keeps.
    """
    import torch

    from unripple.models.anycost import adaptive_resize
    from unripple.ops.tensors import device_of, to_tensor

    with torch.inference_mode():
        looked = adaptive_resize(to_tensor(picture, device=device_of(encoder)), encoder.size)
        w_plus: WPlus = encoder(looked)[0].float().cpu().numpy().astype(np.float32)
    return w_plus


class Progress(NamedTuple):
    """How far an optimisation came.

    Attributes:
        iteration: iterations done; 0 is the start.
        loss: of the best codes so far, one number per picture, [B].
        state: all that decides what comes next, see `ops.minimise`.
        shape: of a picture's codes, [L, W].
    """

    iteration: int
    loss: Floats
    state: State
    shape: tuple[int, ...]

    @property
    def w_plus(self) -> list[WPlus]:
        """The best codes so far, each float32 [L, W]."""
        best = self.state["best"].float().cpu().numpy()
        return [codes.reshape(self.shape) for codes in best]

    @property
    def stored(self) -> dict[str, npt.NDArray[Any]]:
        """The state as arrays, for `optimise(resume=...)`."""
        return {name: value.cpu().numpy() for name, value in self.state.items()}


def optimise(
    pictures: Sequence[Photo],
    encoded: Sequence[WPlus],
    generator: Generator,
    *,
    iterations: int,
    optimiser: Literal["lbfgs", "adam"] = "lbfgs",
    mse_weight: float = 1.0,
    encoder_weight: float = 0.0,
    perceptual: Distance | None = None,
    learning_rate: float = 1e-3,
    resume: Mapping[str, npt.NDArray[Any]] | None = None,
) -> Iterator[Progress]:
    """Draw nearer to pictures by moving their codes; the generator stays as it is.

    Every picture has an optimiser of its own, so that its codes do not depend on its neighbours
    beyond the rounding of a batch. What is kept is the best of all iterates by the objective,
    `models.anycost.objectives`, and never worse than the start.

    Args:
        pictures: B pictures uint8 [S, S, 3].
        encoded: what the encoder made of them, [L, W]; the start, and what holds the codes.
        generator: draws codes [B, L, W] with its stored noise.
        iterations: how many; ends sooner where nothing descends any more.
        optimiser: L-BFGS with a line search, or Adam.
        mse_weight: of the mean square difference of pictures in [-1, 1].
        encoder_weight: of the mean square distance to the encoder's codes.
        perceptual: distance [B] of pictures [B, 3, s, s], s at most 256; its weight is its own.
        learning_rate: of Adam.
        resume: `Progress.stored` of the same call, interrupted.

    Yields:
        The start, or where it was resumed, and the state after every iteration.

    Source: Lin et al. 2021, `tools/project.py`; for Adam pictures are not clamped, as published.
    """
    import torch

    from unripple.models.anycost import objective_gradient
    from unripple.ops.minimise import begin, iterate
    from unripple.ops.tensors import device_of, to_tensor

    device = device_of(generator)
    target = to_tensor(np.stack(pictures), device=device)
    start = torch.from_numpy(np.stack(encoded)).float().to(device)  # [B, L, W]

    def evaluate(x: Tensor) -> tuple[Tensor, Tensor]:
        objective, gradient = objective_gradient(
            generator,
            x.view_as(start),
            target,
            start,
            clamp=optimiser == "lbfgs",
            mse_weight=mse_weight,
            codes_weight=encoder_weight,
            perceptual=perceptual,
        )
        return objective.total, gradient.flatten(1)

    if resume is None:
        state = begin(start.flatten(1), evaluate, method=optimiser)
    else:
        on_cpu = {name: torch.from_numpy(np.array(value)) for name, value in resume.items()}
        state = {k: v if k == "iteration" else v.to(device) for k, v in on_cpu.items()}
    while True:
        loss = state["best_loss"].float().cpu().numpy()
        yield Progress(int(state["iteration"]), loss, state, tuple(start.shape[1:]))
        if int(state["iteration"]) >= iterations or bool(state["done"].all()):
            return
        state = iterate(state, evaluate, method=optimiser, rate=learning_rate)


def run(work: Work, settings: ProjectSettings) -> Projected:
    """Encode the aligned picture, and draw nearer to it if asked."""
    return run_together([work], settings)[0]


def run_together(works: Sequence[Work], settings: ProjectSettings) -> list[Projected]:
    """Project several pictures as one batch; draft and progress are those of the first."""
    method = PROJECTORS[settings.method]
    codes = method.project(works)
    if method.guides is None:
        return [Projected(one) for one in codes]
    guides = method.guides(works)
    return [Projected(one, guide) for one, guide in zip(codes, guides, strict=True)]


def decide(settings: Values, plan: Plan) -> dict[str, Any]:
    """None but the settings that matter; some inverters bring their own way to codes.

    Raises:
        BadConfig: `project.method` asks for another one.
    """
    inverter = plan.config["invert"]["method"]
    own_projector, method = INVERTERS[inverter].projector, settings["method"]
    if own_projector is None:
        return dict(PROJECTORS[method].decide(settings))
    if method not in (ENCODER, own_projector):
        raise BadConfig(
            f"project.method {method!r}: invert.method {inverter!r} finds codes in its own way; "
            "leave project.method out, or choose another inverter"
        )
    return {"method": own_projector}


def roles(settings: Values) -> tuple[str, ...]:
    """Those of the method; without settings, the encoder's."""
    method = PROJECTORS[settings.get("method", ENCODER)]
    return method.roles + method.needs(settings)


STAGE = Stage(
    name="project",
    help="describe the face by the generator's codes",
    version=1,
    run=run,
    outputs=Projected,
    settings=ProjectSettings,
    methods=(PROJECTORS,),
    photo_inputs=("align",),
    shows="w_plus",
    recipes=DRAWN,
    roles=roles,
    decide=decide,
    aside=("batch",),
    run_together=run_together,
)
