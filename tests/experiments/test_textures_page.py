"""The page of the textures' quality, from small records and the committed ones."""

import json

from experiment import RECORDED
from label_dispersion import GROUPS
from textures_page import PAGE, as_page

GROUP = {"rms": 7.25, "median": 4.5, "rms_mm": 5.125, "rms_share": 3.0, "median_share": 2.0}
POINT = {"photographs": 9, "u": 1.0, "v": 2.0, "rms": 6.75, "median": 4.0, "rms_mm": 5.0}
DIFFERENCE = {"same_texels": 11.0, "different_texels": 12.0, "same_area": 13.0}
PAIRS = {
    "same_pairs": 70,
    "different_pairs": 80,
    "difference": {**DIFFERENCE, "different_area": 14.0},
    "verification": {"texture, local contrast": {"auc": 81.5, "eer": 20.25}},
}
RECORD = {
    "layout": {
        "widths": {"mouth": {"texture": 0.333, "face": 0.575, "ratio": 0.579}},
        "cell_areas": {"lips": 9.0},
        "median_area": 3.0,
        "area_95": 1.7,
        "area_largest": 24.25,
    },
    "labels": {
        "points": [POINT] * 67 + [{"photographs": 0}],
        "groups": {name: GROUP for name in (*GROUPS, "all")},
        "background": {"20–45°": {"photographs": 7, "texels": 0.0325, "area": 0.045}},
    },
    "cfp": {"frontal–profile": PAIRS},
}
MEANS = {
    "texture_size": 512,
    "persons": {
        name: {
            "photographs": 12,
            "Figure 8": {"energy": energy, "relative_energy": 0.01},
            "aligned": {"energy": 3 * energy, "relative_energy": 0.02},
        }
        for name, energy in (("Ann_Other", 10.0), ("Bob", 20.0))
    },
}


def test_the_page_has_what_was_measured_beside_one_another():
    page = as_page({"one": RECORD, "two": {"layout": RECORD["layout"]}}, {"one": MEANS})
    for line in (
        "| mouth, share of the eye distance (on the mean face) | 0.333 (0.575) | 0.333 (0.575) |",
        "| mean cell inside the lips, in medians | 3.00 | 3.00 |",
        "| nose | 7.25 (4.50) / 5.12 / 3.00 | – |",
        "| yaw 20–45° | 3.25 % / 4.50 % (7) | – |",
        "| CFP, frontal–profile (70 + 80 pairs) | 11.0 and 12.0 / 13.0 and 14.0 | – |",
        "| CFP, frontal–profile: texture, local contrast | 81.5 / 20.2 | – |",
        "| Ann Other (12) | 10.0 / 10.0 | 30.0 / 20.0 |",
        "| mean | 15.0 / 10.0 | 45.0 / 20.0 |",
    ):
        assert line in page, line
    assert "| 60 | 6.8 | 6.8 | 6.8 | 6.8 | 6.8 | 6.8 | 6.8 | – |  |  |" in page


def test_the_committed_page_is_made_of_the_committed_results():
    names = ("textures.json", "mean_textures.json")
    textures, means = (json.loads((RECORDED / name).read_text()) for name in names)
    assert PAGE.read_text(encoding="utf-8") == as_page(textures, means)
