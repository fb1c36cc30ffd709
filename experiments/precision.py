"""Training in each precision: which error does the compact localiser reach?

python experiments/precision.py [--seeds 3] [--record]

The run is that of `tests/support/precision_run.py`: the compact recipe with all four losses, 120
steps on four rendered faces and their reflections. Prints the mean distance of the landmarks in
pixels of a 140-pixel image, for inference in the precision of the training and in float32.
"""

import json
import sys

import keras
from experiment import FOLDER, experiment_parser, results_file, write_results

from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.training.network import build_network

sys.path.append(str(FOLDER.parent))  # the run is the one that the tests do
from tests.support.precision_run import CONFIG, draw_photographs, error, trained

FACES, STEPS = 4, 120
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def main():
    """Trains, prints and writes the errors."""
    parser = experiment_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()

    face = toy_grid_model((32, 32))
    data = draw_photographs(face, FACES)
    record = {"untrained": error(build_network(CONFIG, face), data)}
    print(f"untrained: {record['untrained']:.2f} pixels")
    for seed in range(arguments.seeds):
        for precision in PRECISIONS:
            model, trainer = trained(precision, face, data, STEPS, seed)
            saved = build_network(CONFIG, face)
            saved.set_weights(model.get_weights())
            result = {"trained": error(model, data), "saved": error(saved, data)}
            if isinstance(trainer.optimizer, keras.optimizers.LossScaleOptimizer):
                result["loss_scale"] = float(trainer.optimizer.dynamic_scale.numpy())
            record.setdefault(precision, []).append(result)
            print(f"{precision:15} seed {seed}: {json.dumps(result)}", flush=True)
    out = results_file("precision.json", arguments.record)
    write_results(out, record)
    print(out)


if __name__ == "__main__":
    main()
