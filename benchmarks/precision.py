"""Trains the compact localiser in each precision: which error does it end at?

python -m benchmarks.precision [--seeds 3]

The run is that of `tests/support/precision_run.py`: the compact recipe with all four losses on
four rendered faces and their reflections, 120 steps. Printed is the mean distance of the landmarks,
pixels of an image of 140, of inference in the precision of the training and in float32.
"""

import argparse
import json
from pathlib import Path

import keras

from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.training.network import build_network
from tests.support.precision_run import CONFIG, draw_photographs, error, trained

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def main():
    """Trains, prints and writes the errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results/precision.json"
    )
    arguments = parser.parse_args()

    face = toy_grid_model((32, 32))
    data = draw_photographs(face)
    record = {"untrained": error(build_network(CONFIG, face), data)}
    print(f"untrained: {record['untrained']:.2f} pixels")
    for seed in range(arguments.seeds):
        for precision in PRECISIONS:
            model, trainer = trained(precision, face, data, seed)
            saved = build_network(CONFIG, face)
            saved.set_weights(model.get_weights())
            result = {"trained": error(model, data), "saved": error(saved, data)}
            if isinstance(trainer.optimizer, keras.optimizers.LossScaleOptimizer):
                result["loss_scale"] = float(trainer.optimizer.dynamic_scale.numpy())
            record.setdefault(precision, []).append(result)
            print(f"{precision:15} seed {seed}: {json.dumps(result)}", flush=True)
    arguments.out.write_text(json.dumps(record, indent=1) + "\n")
    print(arguments.out)


if __name__ == "__main__":
    main()
