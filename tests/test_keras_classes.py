"""Keras knows our classes after `import keras_3dmmstn`, whatever is imported first."""

import re
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_3dmmstn import TrainingModel, spatial_transformer
from keras_3dmmstn.losses import LandmarkLoss
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support.paths import ROOT

ORDERS = {
    "keras": "import keras, keras_3dmmstn",
    "package": "import keras_3dmmstn, keras",
    "layer": "from keras_3dmmstn.layers import BilinearSampler; import keras",
    "training model": "import keras_3dmmstn.network.training_model, keras",
    "losses": "import keras_3dmmstn.losses, keras",
    "ops": "import keras_3dmmstn.ops, keras",
}

PROGRAM = """
{imports}
model = keras.models.load_model({path!r})
import keras_3dmmstn
assert type(model) is keras_3dmmstn.TrainingModel
assert type(model.loss["landmarks"]) is keras_3dmmstn.losses.LandmarkLoss
print(*[name for name in keras.saving.get_custom_objects() if name.startswith("keras_3dmmstn>")])
"""


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """A fresh process for each order, all at once: each imports TensorFlow for seconds."""
    path = tmp_path_factory.mktemp("models") / "model.keras"
    backbone = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.GlobalAveragePooling2D()])
    model = TrainingModel(spatial_transformer(toy_grid_model((12, 12)), backbone, image_size=32))
    model.compile("adam", loss={"landmarks": LandmarkLoss()})
    model.fit(np.zeros((1, 32, 32, 3)), {"landmarks": np.zeros((1, 68, 3))}, verbose=0)
    model.save(path)
    return {
        order: subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(imports=imports, path=str(path))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for order, imports in ORDERS.items()
    }


def registered_classes():
    """The names of classes that the source registers."""
    pattern = re.compile(r"^@keras.saving.register_keras_serializable\(.*\)\nclass (\w+)", re.M)
    files = (ROOT / "keras_3dmmstn").rglob("*.py")
    return {f"keras_3dmmstn>{name}" for file in files for name in pattern.findall(file.read_text())}


@pytest.mark.parametrize("order", ORDERS)
def test_a_saved_training_model_loads(order, processes):
    output, errors = processes[order].communicate()
    assert processes[order].returncode == 0, errors
    assert set(output.split()) == registered_classes() != set()
