"""A mean head in three dimensions, fitted to the five landmarks of a face.

The head's own frame: the origin where a head turns, x to the picture's right, y down, z towards the
viewer, in units of about half a head's height. A pose is a weak perspective: turned, scaled, moved.

Source: own; the shape is that of the face world's average head.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unripple.conventions import Floats, Landmarks, NoFace, ShapeMismatch

Points3D = npt.NDArray[np.float64]

SPREAD = 0.05
"""How far a real face's landmarks lie from the mean head's, head units: what the fit may leave."""
USUAL_YAW_DEG, USUAL_PITCH_DEG = 35.0, 12.0
"""Spread of poses in photographs. Five points tell pitch from face length badly; this decides."""
_USUAL_SPREADS = 0.7
"""From how many spreads on a nod is no longer pulled back harder."""
_SHALLOW = 0.12  # depth at which a rounded face's sides run out flat, head units
_BLUNT = 0.8
"""By how much less a real nose stands out than the mean head's, of what it stands out. With .4 to 1
a face mesh reads the same turns on photographs, and identity is a tenth nearer to the photo's."""
_NOSE_LEVEL, _NOSE_WIDTH = 0.08, 0.26
"""What is a nose: what lies so far before eyes and mouth, head units; its width, half widths of the
face."""
_FARTHEST_OWN = 0.12
"""No point of a face lies farther beside the mean head's than this, head units: a mouth that opens
moves a jaw, a landmark that was missed moves nothing."""
_MAX_RESIDUAL = 0.2
"""Mean distance from the fitted landmarks, head units, beyond which they are no face's."""


class Head(NamedTuple):
    """The mean head.

    Attributes:
        surface: points of its front, float64 [N, 3].
        landmarks: picture-left eye, picture-right eye, nose tip, mouth corners, float64 [5, 3].
        chin_y, brow_y: heights of the chin and of the brows.
        half_width: of the face at the cheekbones.
    """

    surface: Points3D
    landmarks: Points3D
    chin_y: float
    brow_y: float
    half_width: float

    def realistic(self, rounder: float) -> Head:
        """The same head as real ones are: its nose stands out less, its face is rounder.

        Args:
            rounder: see `rounded`.
        """
        right, down, depth = self.surface.T
        eyes, mouth = self.landmarks[:2].mean(0), self.landmarks[3:].mean(0)
        # Between the eyes and the mouth, on the middle line, and only what stands out: no step
        # where the nose ends.
        ridge = np.exp(-((right / (_NOSE_WIDTH * self.half_width)) ** 2))
        tall = mouth[1] - eyes[1]
        from_eyes = np.clip((down - eyes[1]) / (0.2 * tall) + 1, 0, 1)
        to_mouth = np.clip((mouth[1] - down) / (0.2 * tall), 0, 1)
        standing_out = np.maximum(depth - (eyes[2] + mouth[2]) / 2 - _NOSE_LEVEL, 0)
        blunter = depth - _BLUNT * ridge * from_eyes * to_mouth * standing_out
        return self._replace(surface=np.stack([right, down, blunter], axis=1)).rounded(rounder)

    def rounded(self, by: float) -> Head:
        """The same head, its face lying farther back towards the sides.

        Args:
            by: how far at the cheekbones, half widths of the face; the middle line stays.
        """
        surface = self.surface.copy()
        z = surface[:, 2] - by * self.half_width * (surface[:, 0] / self.half_width) ** 2
        # Not behind where the head turns: a jaw would swell on the side that comes into view.
        front = (z + np.hypot(z, _SHALLOW)) / 2
        surface[:, 2] = np.where(z < surface[:, 2], np.minimum(front, surface[:, 2]), z)
        return self._replace(surface=surface)


class HeadPose(NamedTuple):
    """Where a head is in a picture.

    Attributes:
        yaw_deg: positive turns the nose to the picture's right.
        pitch_deg: positive turns the nose up.
        roll_deg: positive turns the head clockwise in the picture.
        scale: px per head unit.
        centre: of the head, px, (x, y).
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    scale: float
    centre: tuple[float, float]

    def to_picture(self, points: Points3D) -> Points3D:
        """Points of the head's frame [N, 3] -> x, y in px and z in px before the centre, [N, 3]."""
        turned = points @ rotation(self.yaw_deg, self.pitch_deg, self.roll_deg).T
        placed: Points3D = self.scale * turned + np.array([*self.centre, 0.0])
        return placed


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Points3D:
    """The matrix that turns a head, [3, 3]: pitch first, then yaw, then roll."""
    yaw, pitch, roll = (math.radians(angle) for angle in (yaw_deg, pitch_deg, roll_deg))
    nod = np.array(
        [[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]]
    )
    turn = np.array(
        [[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]]
    )
    tilt = np.array(
        [[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]]
    )
    matrix: Points3D = tilt @ turn @ nod
    return matrix


def fit_head(landmarks: Landmarks | Floats, head: Head, *, for_words: bool = False) -> HeadPose:
    """Find the pose in which the mean head shows these landmarks.

    Args:
        landmarks: [5, 2] px: picture-left eye, picture-right eye, nose tip, mouth corners.
        head: the mean head.
        for_words: whether the pose decides no picture: then without SciPy's optimisers, whose
            import takes a tenth of a small edit. It is the same to a hundredth of a degree.

    Returns:
        The pose that leaves the least, usual poses preferred where landmarks cannot decide.

    Raises:
        NoFace: the landmarks are no numbers, coincide, or form no face.
        ShapeMismatch: not five landmarks.
    """
    if landmarks.shape != (5, 2):
        raise ShapeMismatch(f"five landmarks [5, 2] expected, got {list(landmarks.shape)}")
    observed = landmarks.astype(np.float64)
    across, down = observed[1] - observed[0], observed[3:].mean(0) - observed[:2].mean(0)
    size = max(float(np.hypot(*across)), float(np.hypot(*down)))
    if not np.isfinite(observed).all() or size < 1e-6:
        raise NoFace(f"the landmarks {landmarks.tolist()} coincide or are no numbers")
    # Starts from the roll that eyes and mouth show; both vectors vote, as in `geometry.crop_quad`.
    upright = math.degrees(math.atan2(across[1] - down[0], across[0] + down[1]))
    start = np.array([0.0, 0.0, upright, math.log(size / 0.61), *observed.mean(0)])

    def residuals(guess: Points3D) -> Points3D:
        pose = _pose(guess)
        residual = (pose.to_picture(head.landmarks)[:, :2] - observed) / (pose.scale * SPREAD)
        # A prior as two more residuals: ten coordinates hardly tell a nod from a long face.
        usual = (pose.yaw_deg / USUAL_YAW_DEG, _unusual(pose.pitch_deg / USUAL_PITCH_DEG))
        return np.concatenate([residual.ravel(), usual])

    # Steps of comparable effect in degrees, in the logarithm of the scale, and in px.
    minimise = _least_damped if for_words else _least_by_scipy
    pose = _pose(minimise(residuals, start, np.array([10, 10, 10, 0.1, size, size])))
    # The least residual may still be large: five points of no face fit no pose.
    residual = pose.to_picture(head.landmarks)[:, :2] - observed
    if np.hypot(*residual.T).mean() / pose.scale > _MAX_RESIDUAL:
        raise NoFace(f"the landmarks {landmarks.round(1).tolist()} are not those of a face")
    return pose


def with_own_features(head: Head, pose: HeadPose, landmarks: Landmarks | Floats) -> Head:
    """The mean head with its features where this face has them, depths as they are.

    A nose's ridge that lies beside the nose in the picture bends it when it turns.

    Args:
        head: the mean head.
        pose: of the head in the picture, see `fit_head`.
        landmarks: those that it was fitted to, [5, 2] px.
    """
    from scipy.interpolate import RBFInterpolator

    missed = landmarks.astype(np.float64) - pose.to_picture(head.landmarks)[:, :2]
    length = np.hypot(*missed.T)[:, None] / pose.scale
    missed *= np.minimum(1, _FARTHEST_OWN / np.maximum(length, 1e-9)) / pose.scale
    # Nothing is known of depth: points move in the picture's plane, the shortest way.
    plane = rotation(pose.yaw_deg, pose.pitch_deg, pose.roll_deg)[:2]
    moved = RBFInterpolator(head.landmarks[:, :2], missed @ plane, kernel="linear", degree=0)
    surface, own = (points + moved(points[:, :2]) for points in (head.surface, head.landmarks))
    return head._replace(surface=surface, landmarks=own)


def _unusual(spreads: float) -> float:
    """The residual of a prior that is Gaussian near 0 and exponential far from it (pseudo-Huber).

    A Gaussian pulls a strong nod back by so much that, on a turned head, it is taken for a roll.
    """
    return spreads * math.sqrt(2 / (1 + math.sqrt(1 + (spreads / _USUAL_SPREADS) ** 2)))


def _pose(guess: Points3D) -> HeadPose:
    yaw, pitch, roll, log_scale, x, y = (float(value) for value in guess)
    return HeadPose(yaw, pitch, roll, math.exp(log_scale), (x, y))


Residuals = Callable[[Points3D], Points3D]


def _least_by_scipy(residuals: Residuals, start: Points3D, steps: Points3D) -> Points3D:
    """Where the squares of residuals are least; `steps` are of comparable effect."""
    from scipy.optimize import least_squares

    least: Points3D = least_squares(residuals, start, x_scale=steps).x
    return least


_SLOPE = 1e-6  # of a step: over which slopes are taken
_MOST_ROUNDS = 60


def _least_damped(residuals: Residuals, start: Points3D, steps: Points3D) -> Points3D:
    """The same by Levenberg's and Marquardt's damped steps."""
    best, left, damping = start, residuals(start), 1e-3
    for _ in range(_MOST_ROUNDS):
        moved = (residuals(best + aside) for aside in np.diag(_SLOPE * steps))
        slopes = np.stack([(there - left) / _SLOPE for there in moved], axis=1)  # [R, N]
        damped = np.vstack([slopes, math.sqrt(damping) * np.eye(len(steps))])
        wanted = np.concatenate([-left, np.zeros(len(steps))])
        step = np.linalg.lstsq(damped, wanted, rcond=None)[0]
        there = residuals(best + steps * step)
        if there @ there < left @ left:  # trusted more from now on, else less
            best, left, damping = best + steps * step, there, damping / 10
        else:
            damping *= 10
        if np.abs(step).max() < _SLOPE:
            break
    return best
