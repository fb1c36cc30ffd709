"""From published face models to a grid: distortion and symmetry of the grid, time and memory.

python experiments/face_models.py [--models MODELS] [--grid 224] [--record]

MODELS is a folder of published face models (`published_models.py` lists them); without it only the
bundled model is measured. Each model is read with 5 + 5 modes (or as many as it has) in a process
of its own. The time begins after the imports and covers reading, cutting, flattening and
re-meshing.
"""

import argparse
import dataclasses
import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from experiment import experiment_parser, results_file, write_results
from published_models import present_models

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.feature_layout import feature_widths
from keras_3dmmstn.mesh.model_to_grid import model_to_grid
from keras_3dmmstn.mesh.quality import (
    feature_shares,
    grid_uv,
    measure_distortion,
    mirror_errors,
    triangle_distortions,
    weighted_quantile,
)
from keras_3dmmstn.mesh.readers import read

MODES = 5  # of identity and of expression
RUNS = 3
# How each model is flattened: name, region, evenness, flattening, emphasis.
SETTINGS = (
    ("the face", "face", 0.5, "tutte", 0.0),
    ("the face, least distortion, emphasis", "face", 0.5, "least-distortion", 1.0),
    ("all of it", "all", 0.5, "tutte", 0.0),
    ("all of it, the paper's flattening", "all", 0.0, "tutte", 0.0),
)
# Also for the model whose authors made a map of their own, which is a map of all of it.
BESIDE_AUTHORS = (
    ("all of it, least distortion", "all", 0.5, "least-distortion", 0.0),
    ("all of it, least distortion, half the emphasis", "all", 0.5, "least-distortion", 0.5),
    ("all of it, least distortion, emphasis", "all", 0.5, "least-distortion", 1.0),
)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


def measure(kind: str, path: Path, name: str, grid: int) -> dict:
    """Builds one model on the grid, as often as `RUNS` says, and returns what was measured."""
    modes = {"identity": MODES, "expression": MODES}
    if kind == "ict":
        modes = {}  # the folder may hold fewer files
    result: dict = {"model": name}
    seconds, processor = [], []
    for _ in range(RUNS):
        start, start_processor = time.perf_counter(), time.process_time()
        model = read(kind, path, **modes)
        model_to_grid(model, (grid, grid))
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - start_processor)
    result["vertices"], result["triangles"] = len(model.mean), len(model.triangles)
    result["modes"] = model.modes
    result["seconds"], result["processor_seconds"] = min(seconds), min(processor)
    result["peak_gigabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    settings = SETTINGS + (BESIDE_AUTHORS if kind == "tddfa" else ())
    result["flattenings"] = [quality(model, grid, *setting) for setting in settings]
    if kind == "tddfa":
        measured = layout(model, np.load(path)["uv"])
        result["flattenings"].append({"setting": "the authors' own map", **measured})
    return result


def quality(
    model, grid: int, setting: str, region: str, evenness: float, flattening: str, emphasis: float
) -> dict:
    """Measures one flattening, on the model's own mesh."""
    options = {"evenness": evenness, "flattening": flattening, "emphasis": emphasis}
    try:
        built = model_to_grid(model, (grid, grid), region, **options)
    except ValueError as error:
        return {"setting": setting, "error": str(error)}
    face = built.face
    errors = mirror_errors(face.mean, face.mirror)
    return {
        "setting": setting,
        **layout(face, built.uv),
        "mirror_mean": float(errors.mean()),
        "mirror_95": float(np.quantile(errors, 0.95)),
    }


def layout(model, uv: np.ndarray) -> dict:
    """Measures distortion and what features get, of a map from a model to the unit square."""
    landmarks = model.landmarks["ibug68"]
    angle, area_change, area, _ = triangle_distortions(model.mean, model.triangles, uv)
    return {
        **dataclasses.asdict(measure_distortion(model.mean, model.triangles, uv)),
        "angle_quantiles": [weighted_quantile(angle, area, share) for share in QUANTILES],
        "area_quantiles": [weighted_quantile(area_change, area, share) for share in QUANTILES],
        **feature_shares(uv, landmarks),
        "widths": feature_widths(uv[landmarks]),
    }


def bundled() -> dict:
    """Measures the bundled model's grid, which has no other mesh."""
    model = GridModel.bundled()
    uv = grid_uv(model.grid_shape)
    errors = mirror_errors(model.mean, model.mirror)
    return {
        "model": "bundled",
        "vertices": len(model.mean),
        "triangles": len(model.triangles),
        "modes": model.modes,
        "flattenings": [
            {
                "setting": "as it is",
                **layout(model, uv),
                "mirror_mean": float(errors.mean()),
                "mirror_95": float(np.quantile(errors, 0.95)),
            }
        ],
    }


def describe(result: dict) -> str:
    """Returns the lines that are printed for a model."""
    lines = [f"{result['model']}: {result['vertices']} vertices, {result['triangles']} triangles"]
    if "seconds" in result:
        lines[0] += (
            f", {result['modes']} modes: {result['seconds']:.2f} s "
            f"({result['processor_seconds']:.2f} s of processor), "
            f"{result['peak_gigabytes']:.2f} GB at most"
        )
    for f in result["flattenings"]:
        if "error" in f:
            lines.append(f"  {f['setting']:46} {f['error']}")
            continue
        mirror = f"mirror {f['mirror_mean']:.2f} mm" if "mirror_mean" in f else ""
        lines.append(
            f"  {f['setting']:46} flipped {f['flipped']:2d}  angle {f['angle_mean']:.2f} "
            f"({f['angle_95']:.2f})  area {f['area_mean']:.2f} ({f['area_95']:.2f})  "
            f"eyes {f['eyes']:.1%} nose {f['nose']:.1%} mouth {f['mouth']:.1%}  {mirror}"
        )
        for what in ("angle", "area"):
            values = "  ".join(f"{value:.2f}" for value in f[f"{what}_quantiles"])
            lines.append(f"    {what} at {', '.join(f'{q:.0%}' for q in QUANTILES)}: {values}")
        widths = ", ".join(f"{name} {width:.2f}" for name, width in f["widths"].items())
        lines.append(f"    widths in outer eye distances: {widths}")
    return "\n".join(lines)


def main():
    """Measures all models, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("--models", type=Path, help="folder of published face models")
    parser.add_argument("--grid", type=int, default=224)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    models = present_models(arguments.models)
    if arguments.only:
        print(json.dumps(measure(*models[arguments.only], arguments.only, arguments.grid)))
        return

    results = [bundled()]
    print(describe(results[0]))
    for name in models:
        command = [sys.executable, __file__, "--only", name, "--grid", str(arguments.grid)]
        command += ["--models", str(arguments.models)]
        run = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        results.append(json.loads(run.stdout))
        print(describe(results[-1]))
    record = {
        "grid": arguments.grid,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "processor": platform.machine(),
        "models": results,
    }
    out = results_file("face_models.json", arguments.record)
    write_results(out, record)
    print(out)


if __name__ == "__main__":
    main()
