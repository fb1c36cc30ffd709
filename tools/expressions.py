"""Draws plausible expressions from the face units."""

import numpy as np
import scipy.sparse
from makehuman import MakeHuman

_FACE_UNITS = "faceunits01/targets/faceunits"
# How often each unit takes part, and how strong it is at most, times _STRENGTH. `Side` stands
# for a unit that goes to the left or to the right; the others of a pair go together.
_STRENGTH = 0.85
_ACTIVITY = {
    "browDown": (0.25, 0.9), "browInnerUp": (0.3, 1.0), "browOuterUp": (0.3, 1.0),
    "cheekPuff": (0.06, 0.7), "cheekSquint": (0.25, 0.9), "eyeBlink": (0.3, 1.0),
    "eyeSquint": (0.3, 0.9), "eyeWide": (0.25, 1.0), "jawForward": (0.1, 0.8),
    "jawSide": (0.12, 0.7), "jawOpen": (0.25, 0.8), "mouthClose": (0.1, 0.5),
    "mouthDimple": (0.15, 0.8), "mouthFrown": (0.2, 0.7), "mouthFunnel": (0.15, 0.8),
    "mouthSide": (0.15, 0.7), "mouthLowerDown": (0.35, 1.0), "mouthPress": (0.15, 0.9),
    "mouthPucker": (0.15, 0.9), "mouthRollLower": (0.1, 0.7), "mouthRollUpper": (0.1, 0.7),
    "mouthShrugLower": (0.12, 0.8), "mouthShrugUpper": (0.12, 0.8), "mouthSmile": (0.6, 1.2),
    "mouthStretch": (0.2, 0.9), "mouthUpperUp": (0.35, 1.0), "noseSneer": (0.2, 0.9),
}  # fmt: skip


class Expressions:
    """Random mixtures of the face units, as displacements on a face surface.

    Args:
        makehuman: the source of the face units.
        weights: `(N, 19158)` sparse weights of the face surface's vertices.
    """

    def __init__(self, makehuman: MakeHuman, weights: scipy.sparse.csr_array):
        self._units = {}
        for name in makehuman.target_names(_FACE_UNITS):
            stem = name.rsplit("/", 1)[1].removesuffix(".target")
            if not stem.startswith("eyeLook") and stem != "tongueOut":
                self._units[stem] = weights @ makehuman.target(name)

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """Draws the `(N, 3)` displacements of one expression."""
        displacement = np.zeros_like(next(iter(self._units.values())))
        for unit, (chance, strongest) in _ACTIVITY.items():
            if rng.random() > chance:
                continue
            strength = _STRENGTH * strongest * rng.beta(1.2, 1.5)
            if unit in self._units:
                displacement += strength * self._units[unit]
            elif unit.endswith("Side"):
                side = rng.choice(["Left", "Right"])
                displacement += strength * self._units[unit.removesuffix("Side") + side]
            else:
                balance = np.clip(rng.normal(0, 0.25), -1, 1)
                displacement += strength * min(1, 1 - balance) * self._units[unit + "Left"]
                displacement += strength * min(1, 1 + balance) * self._units[unit + "Right"]
        return displacement
