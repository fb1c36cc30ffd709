"""Head scans drawn at known angles: does the network see the angle, and does its depth hold?

python experiments/scans.py SCANS [--weights FOLDER] [--no-sheet] [--record]

SCANS is a folder of textured scans: `NAME.npz` with `vertices` (x right, y up, z towards the
viewer), `triangles`, `uv` (v upwards) and, of scans in millimetres, `landmarks68`; and the texture
`NAME.jpg`. Scans without a texture are left out.

Each scan is drawn with yaws from -90 to 90 and pitches of -15, 0 and 15 degrees, and fitted in the
box of its 68 points. The angles count from where the scan looks straight at the viewer, which needs
a definition: it is how the face model's mean face looks, brought onto the face of the scan by
iterated closest points (`head_scans.upright`). "The zero" lists by how much others would differ:
the mean face brought onto the scan's 68 points, or onto its 51 inner ones; the model fitted to the
scan; the scan's own plane of symmetry, which knows no pitch. The angles are those of
`mesh.head_pose.HeadPose`: the head nods first and is turned after that.

For depth, the faces fitted to the pictures at pitch 0 are brought onto the scan: rigidly if it
is in millimetres, and by a similarity. Printed is the mean distance of the scan's face from them,
beside the mean face and the whole model fitted to the scan itself under its prior. A scan without a
unit is taken to be as large as the mean face.

The sheet of all pictures with the fitted faces goes to build/experiments in any case: pictures of
the scans are not committed. With `--record` the tables go to docs/depth.md, too.
"""

from itertools import product
from pathlib import Path

import numpy as np
from experiment import FOLDER, experiment_parser, results_file, write_results
from head_scans import read_scans, upright
from scan_pictures import in_picture, picture_of, turn
from scan_tables import HEADING, as_tables
from surface_fit import fit_surface, similarity

from keras_3dmmstn import Normaliser
from keras_3dmmstn.drawing.overlay import draw_fit
from keras_3dmmstn.drawing.panels import encoded, resized, tiled, with_caption
from keras_3dmmstn.mesh.head_pose import head_pose
from keras_3dmmstn.mesh.landmark_sets import JAW_POINTS
from keras_3dmmstn.network import framing

YAWS, PITCHES = tuple(range(-90, 91, 15)), (-15, 0, 15)
DEPTH_YAWS = (0, 45)
PAGE = FOLDER.parent / "docs/depth.md"
_TILE = 260


def fitted_pictures(scan, normaliser, poses):
    """Returns pictures of an upright scan in poses (yaw, pitch), and the faces fitted to them."""
    rotations = [turn(*pose) for pose in poses]
    pictures = [picture_of(scan, rotation) for rotation in rotations]
    boxes = [
        [framing.tight_box(in_picture(scan.landmarks, rotation)[:, :2])] for rotation in rotations
    ]
    results = normaliser.normalise_batch(pictures, boxes)
    return pictures, [result.faces[0] for result in results]


def other_zeros(scan, points, model, best):
    """Returns yaw and pitch, degrees, at which other definitions see an upright scan.

    Args:
        scan: the scan.
        points: `(P, 3)` of its face.
        model: the face model.
        best: how the model fits the scan, a `SurfaceFit`.
    """
    zeros = {"model fitted to the scan": head_pose(best.placement.rotation)[:2]}
    if scan.measured:
        mean, marks = model.mean[model.landmarks["ibug68"]].astype(float), scan.landmarks
        for name, first in (("68 points", 0), ("51 inner points", JAW_POINTS)):
            zeros[name] = head_pose(similarity(mean[first:], marks[first:]).rotation)[:2]
    mirror = np.diag([-1.0, 1.0, 1.0])
    onto = fit_surface(points @ mirror, scan.vertices, scan.triangles, rigid=True)
    # The reflection of the scan onto itself turns the normal of its plane, near x, around.
    values, vectors = np.linalg.eig(onto.placement.rotation.T @ mirror)
    normal = vectors[:, np.argmin(values.real)].real
    zeros["plane of symmetry"] = (float(np.degrees(np.arctan(normal[2] / normal[0]))), None)
    return zeros


def measured_depth(scan, points, model, best, faces):
    """Returns the mean distances of points of the scan's face from faces brought onto it, mm.

    Args:
        scan, points, model, best: as of `other_zeros`; `best` is fitted by a similarity.
        faces: names of further faces to their vertices `(N, 3)` in millimetres.

    Returns:
        "rigid" (if the scan is measured) and "similarity": each names to distances.
    """
    shapes = {"mean face": model.mean, **faces}
    kinds = {"rigid": True, "similarity": False} if scan.measured else {"similarity": False}
    distances = {
        kind: {
            name: fit_surface(points, shape, model.triangles, rigid=rigid).distance
            for name, shape in shapes.items()
        }
        for kind, rigid in kinds.items()
    }
    distances["similarity"]["model fitted to the scan"] = best.distance
    if scan.measured:
        fit = fit_surface(points, model.mean, model.triangles, model.basis, rigid=True)
        distances["rigid"]["model fitted to the scan"] = fit.distance
    return distances


def measure(scan, normaliser):
    """Returns what one scan gives, and its pictures with the fitted faces."""
    model = normaliser.grid_model
    scan, points = upright(scan, model)
    poses = list(product(PITCHES, YAWS))
    pictures, faces = fitted_pictures(scan, normaliser, [(yaw, pitch) for pitch, yaw in poses])
    seen = [face.pose for face in faces]
    best = fit_surface(points, model.mean, model.triangles, model.basis)
    named = {f"from the picture at yaw {yaw}°": faces[poses.index((0, yaw))] for yaw in DEPTH_YAWS}
    named = {name: face.vertices for name, face in named.items()}
    result = {
        "poses": [
            {"yaw": yaw, "pitch": pitch, "fitted_yaw": found.yaw, "fitted_pitch": found.pitch}
            for (pitch, yaw), found in zip(poses, seen, strict=True)
        ],
        "zeros": other_zeros(scan, points, model, best),
        "depth": measured_depth(scan, points, model, best, named),
    }
    cards = [
        with_caption(
            resized(draw_fit(picture, [face]), _TILE),
            f"yaw {yaw} as {found.yaw:.0f}, pitch {pitch} as {found.pitch:.0f}",
        )
        for picture, face, (pitch, yaw), found in zip(pictures, faces, poses, seen, strict=True)
    ]
    return result, cards


def main():
    """Measures all scans, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, help="folder of weights; default: the bundled ones")
    parser.add_argument("--no-sheet", action="store_true", help="write no sheet of the pictures")
    arguments = parser.parse_args()
    load = Normaliser.load if arguments.weights else Normaliser.pretrained
    normaliser = load(*([arguments.weights] if arguments.weights else []))
    scans, cards = {}, []
    for scan in read_scans(arguments.folder):
        scans[scan.name], pictures = measure(scan, normaliser)
        cards += pictures
        print(scan.name, flush=True)
    if not scans:
        parser.error(f"{arguments.folder} has no scan with a texture")
    tables = as_tables(scans)
    print(f"\n{tables}\n")
    if not arguments.no_sheet:
        sheet = results_file("scans.jpg", record=False)
        sheet.write_bytes(encoded(tiled(cards, len(YAWS)), ".jpg"))
        print(sheet)
    out = results_file("scans.json", arguments.record)
    write_results(out, scans)
    print(out)
    if arguments.record:
        page = PAGE.read_text(encoding="utf-8").partition(HEADING)[0]
        PAGE.write_text(f"{page}{HEADING}\n\n{tables}\n", encoding="utf-8")
        print(PAGE)


if __name__ == "__main__":
    main()
