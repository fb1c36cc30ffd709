"""A training run: from folders of labelled photographs to a folder with the trained localiser."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import keras
from rich.progress import track

from keras_3dmmstn.localiser import compact_localiser
from keras_3dmmstn.losses import LandmarkError, LandmarkLoss, training_model
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.model import spatial_transformer
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.crops import FaceCrops, cut_faces
from keras_3dmmstn.training.faces import LabelledFaces, read_faces
from keras_3dmmstn.training.pipeline import evaluation_batches, training_batches


def train(
    folders: Sequence[str | Path],
    out: str | Path,
    validation: Sequence[str | Path] = (),
    grid_model: GridModel | None = None,
    config: TrainingConfig | None = None,
    start: str | Path | None = None,
) -> None:
    """Trains the compact localiser and writes it to a folder that `Normaliser.load` reads.

    A run that was stopped goes on from its last epoch when it is started again with the same
    `out`.

    Args:
        folders: folders of labelled photographs, 300-W or `landmarks.csv`.
        out: the folder of the run: `localiser.keras`, `face_model.npz`, `config.json`, `log.csv`.
        validation: folders to measure the error on after each epoch.
        grid_model: the face model; the bundled one by default.
        config: the numbers of the run.
        start: a `localiser.keras` to begin with.
    """
    config, grid_model = config or TrainingConfig(), grid_model or GridModel.bundled()
    out = Path(out)
    keras.utils.set_random_seed(config.seed)

    batches = training_batches(_crops(folders, config), config)
    steps = int(batches.cardinality())
    if steps < 1:
        raise ValueError(f"Expected at least one batch of {config.batch_size} photographs.")
    model = spatial_transformer(grid_model, image_size=config.image_size)
    localiser = model.get_layer("localiser")
    if start is not None:
        localiser.set_weights(keras.models.load_model(start, compile=False).get_weights())
    trainer = training_model(model, shape_prior=config.shape_prior)
    trainer.compile(
        keras.optimizers.AdamW(
            _schedule(config, steps * config.epochs), weight_decay=config.weight_decay
        ),
        loss={"landmarks": LandmarkLoss(normalise=True)},
        metrics={"landmarks": LandmarkError()},
    )

    measured = evaluation_batches(_crops(validation, config), config) if validation else None
    inference = compact_localiser(grid_model)
    out.mkdir(parents=True, exist_ok=True)
    grid_model.save(out / "face_model.npz", basis_dtype="float16")
    _write_description(out / "config.json", config, folders, validation)
    trainer.fit(
        batches,
        epochs=config.epochs,
        shuffle=False,  # the pipeline shuffles
        validation_data=measured,
        callbacks=[
            keras.callbacks.BackupAndRestore(out / "resume", delete_checkpoint=False),
            keras.callbacks.CSVLogger(out / "log.csv", append=True),
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: _save(localiser, inference, out)
            ),
        ],
        verbose=2,
    )


def _save(localiser, inference, folder):
    """Writes the weights as those of a localiser for the paper's 224 pixel images, whole or not."""
    inference.set_weights(localiser.get_weights())
    temporary = folder / "localiser.part.keras"
    inference.save(temporary)
    temporary.replace(folder / "localiser.keras")


def _crops(folders, config) -> FaceCrops:
    """Reads and cuts the faces of some folders, with the jaw's confidence lowered."""
    faces: LabelledFaces = read_faces(folders)
    faces.landmarks[:, :17, 2] *= config.jaw_confidence
    return cut_faces(faces, lambda sequence: track(sequence, "Reading photographs"))


def _schedule(config, steps):
    """Returns a linear warm-up followed by a cosine to zero."""
    warm_up = int(config.warm_up * steps)
    return keras.optimizers.schedules.CosineDecay(
        config.learning_rate * 0.01,
        decay_steps=steps - warm_up,
        warmup_target=config.learning_rate,
        warmup_steps=warm_up,
    )


def _write_description(path, config, folders, validation):
    """Writes what a run was made with."""
    packages = ("tensorflow", "keras", "numpy", "opencv-python")
    description = {
        **asdict(config),
        "folders": [Path(folder).name for folder in folders],
        "validation": [Path(folder).name for folder in validation],
        "versions": {package: metadata.version(package) for package in packages},
    }
    path.write_text(json.dumps(description, indent=2) + "\n")
