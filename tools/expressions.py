"""Draws plausible expressions from the face units."""

import re

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
    """Random mixtures of the face units on a face surface.

    Args:
        makehuman: the source of the face units.
        weights: `(N, 19158)` sparse weights of the face surface's vertices.
        mirror: `(N,)` mirror image of each vertex.

    Attributes:
        names: of the units.
        units: `(U, N, 3)` their displacements; those of left and right mirror each other.
        mirrored: `(U,)` index of the unit that is each one's mirror image.
    """

    def __init__(self, makehuman: MakeHuman, weights: scipy.sparse.csr_array, mirror: np.ndarray):
        self.names, units = [], []
        for name in makehuman.target_names(_FACE_UNITS):
            stem = name.rsplit("/", 1)[1].removesuffix(".target")
            if not stem.startswith("eyeLook") and stem != "tongueOut":
                self.names.append(stem)
                units.append(weights @ makehuman.target(name))
        other = {"Left": "Right", "Right": "Left"}
        images = [re.sub("Left$|Right$", lambda m: other[m[0]], name) for name in self.names]
        self.mirrored = np.array([self.names.index(image) for image in images])
        units = np.array(units)
        self.units = (units + units[self.mirrored][:, mirror] * [-1, 1, 1]) / 2

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """Draws the `(U,)` strengths of one expression's units."""
        strengths = dict.fromkeys(self.names, 0.0)
        for unit, (chance, strongest) in _ACTIVITY.items():
            if rng.random() > chance:
                continue
            strength = _STRENGTH * strongest * rng.beta(1.2, 1.5)
            if unit in strengths:
                strengths[unit] += strength
            elif unit.endswith("Side"):
                strengths[unit.removesuffix("Side") + rng.choice(["Left", "Right"])] += strength
            else:
                balance = np.clip(rng.normal(0, 0.25), -1, 1)
                strengths[unit + "Left"] += strength * min(1, 1 - balance)
                strengths[unit + "Right"] += strength * min(1, 1 + balance)
        return np.array([*strengths.values()])
