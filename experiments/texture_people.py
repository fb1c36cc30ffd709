"""How different the textures of people are, and how well they tell people apart."""

import numpy as np
from identity_pairs import IdentityPairs
from texture_faces import fitted_photographs, texel_areas
from texture_pairs import correlation, pair_lines, texture_difference, verification

from keras_3dmmstn.inference.fusion.local_contrast import local_contrast
from keras_3dmmstn.inference.photograph import warp

PAIR_SIZE, DESCRIPTOR_SIZE = 112, 56  # texels along a side
NEIGHBOURHOOD = 1 / 14  # that local contrast is evened in, in sides


def measure_pairs(normaliser, people: IdentityPairs, photographs: int | None) -> dict:
    """Measures and prints how different textures are, and how well they tell people apart."""
    used = np.unique(np.concatenate(list(people.pairs.values())))[:photographs]
    boxes = np.full_like(people.boxes, np.nan)
    boxes[used] = people.boxes[used]
    seen = {}
    for number, photograph, face in fitted_photographs(
        normaliser, people.paths, boxes, PAIR_SIZE, people.looks
    ):
        seen[number] = _described(photograph, face)
    areas = texel_areas(normaliser.grid_model, PAIR_SIZE)
    results = {}
    for name, pairs in people.pairs.items():
        known = np.array([a in seen and b in seen for a, b in pairs])
        results[name] = _compared(seen, pairs[known], people.same[name][known], areas)
    print(*pair_lines(results), sep="\n")
    return results


def _described(photograph, face):
    """Returns texture, mask, and of texture and plain crop pictures and what they show."""
    texture = face.texture(photograph)
    x0, y0, x1, y1 = face.box
    centre, scale = np.array([x0 + x1, y0 + y1]) / 2, PAIR_SIZE / max(x1 - x0, y1 - y0)
    shift = (PAIR_SIZE - 1) / 2 - scale * centre
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    crop = warp(photograph, matrix, PAIR_SIZE)
    inside = warp(np.full_like(photograph, 255), matrix, PAIR_SIZE)[..., 0] > 127
    pictures = {"texture": (texture, face.mask), "plain crop": (crop, inside)}
    halves = {
        name: (
            local_contrast(picture, mask, DESCRIPTOR_SIZE, NEIGHBOURHOOD),
            picture.reshape(DESCRIPTOR_SIZE, 2, DESCRIPTOR_SIZE, 2, 3).mean((1, 3, 4), np.float32),
            mask.reshape(DESCRIPTOR_SIZE, 2, DESCRIPTOR_SIZE, 2).all(axis=(1, 3)),
        )
        for name, (picture, mask) in pictures.items()
    }
    return texture, face.mask, halves


def _compared(seen, pairs, same, areas):
    """Returns the mean differences and the verification of pairs."""
    even = np.ones_like(areas)
    differences: dict = {"texels": [], "area": []}
    scores: dict = {}
    for a, b in pairs:
        (first, first_mask, ours), (second, second_mask, others) = seen[a], seen[b]
        joint = first_mask & second_mask
        for name, weights in (("texels", even), ("area", areas)):
            differences[name].append(texture_difference(first, second, joint, weights))
        for name in ours:
            both = ours[name][2] & others[name][2]
            for kind, index in (("local contrast", 0), ("brightness", 1)):
                score = correlation(ours[name][index], others[name][index], both)
                scores.setdefault(f"{name}, {kind}", []).append(score)
    difference = {
        f"{kind}_{name}": float(np.nanmean(np.array(values)[chosen]))
        for name, values in differences.items()
        for kind, chosen in (("same", same), ("different", ~same))
    }
    return {
        "same_pairs": int(same.sum()),
        "different_pairs": int((~same).sum()),
        "difference": difference,
        "verification": {name: verification(np.array(s), same) for name, s in scores.items()},
    }
