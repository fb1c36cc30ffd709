"""What this package leaves in folders and reads again: records of runs, indices, results."""

import io
import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.support.face_folders import aflw_points, write_aflw
from tests.support.mutation import mutant, mutant_of_json
from tests.support.outside_file import OutsideFile


def write_files_of_runs(folder: Path) -> dict[str, OutsideFile]:
    """Writes a file of each kind into a folder of its own; kind to file."""
    return {
        **_of_training(folder / "training"),
        **_of_data_sets(folder / "data_sets"),
        **_of_results(folder / "results"),
        "AFLW": _aflw(folder / "aflw"),
    }


def _of_training(folder):
    return {
        "done stages": _done_stages(folder),
        # An error that compares settings names the folder.
        "record of a run": _run(folder / "run of run.json", "run.json"),
        "settings of a run": _run(folder / "run of config.toml", "config.toml"),
        "turned faces": _turned(folder / "turned.json of"),
        "index of shards": _index(folder),
        "progress of a run": _run_progress(folder),
    }


def _json(path, content, read):
    """Writes JSON; `read` gets no arguments."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return OutsideFile(path, read, mutant_of_json)


def _done_stages(folder):
    from keras_3dmmstn.training.stages import Stage, run_stages

    script = folder / "nothing.py"
    folder.mkdir(parents=True)
    script.write_text("")  # it runs if a mutant says that it was not
    stages = [Stage(name, (str(script), name), 1.0) for name in ("first", "second")]
    done = {stage.name: {"command": stage.digest, "minutes": 0.5} for stage in stages}

    def read():
        told = []
        run_stages(stages, folder, report=told.append)
        return told

    return _json(folder / "stages.json", done, read)


def _run(folder, name):
    from keras_3dmmstn.training.config import TrainingConfig
    from keras_3dmmstn.training.run_folder import begin_run

    config, inputs = TrainingConfig(), {"start": "nothing", "faces": {"a": 3}}
    folder.mkdir(parents=True)
    begin_run(folder, config, inputs)
    is_json = name == "run.json"
    other = folder / ("config.toml" if is_json else "run.json")
    whole = other.read_bytes()

    def read():
        other.write_bytes(whole)  # a run that goes on writes both
        return [begin_run(folder, config, inputs)]

    return OutsideFile(folder / name, read, mutant_of_json if is_json else mutant)


def _turned(folder):
    from keras_3dmmstn.training.turning.turned_folder import begin_folder

    settings = {"faces": {"a": 3}, "seed": 1, "yaw": [0.5, 1.0]}
    folder.mkdir(parents=True)
    begin_folder(folder, settings)

    def read():
        begin_folder(folder, settings)
        return folder

    return OutsideFile(folder / "turned.json", read, mutant_of_json)


def _index(folder):
    from keras_3dmmstn.training.data.shard_index import begun_index, skipped_in

    own = folder / "shards of index.json"
    own.mkdir()
    settings = {"landmark_set": "ibug68+aflw21", "size": 64, "share": 1.5, "sources": {"a": 3}}
    skipped = [{"name": "a.jpg", "reason": "no face"}]
    shard = {"number": 0, "file": "faces-00000.tfrecord", "faces": 2, "bytes": 5000}
    index = {
        **begun_index(own, settings, 1),
        "shards": [{**shard, "skipped": skipped}],
        "finished": True,
    }
    return _json(
        own / "index.json", index, lambda: [skipped_in(begun_index(own, settings, 1)), settings]
    )


def _run_progress(folder):
    from keras_3dmmstn.training.checkpoint import saved_progress

    progress = {"epoch": 1, "step": 2, "partial": {"loss": 0.5}, "history": [{"loss": 2.0}]}
    path = folder / "checkpoint.npz"
    text = json.dumps(progress).encode()
    np.savez(path, progress=np.array(text.decode()))

    def changed(content, rng):
        if rng.random() < 0.5:
            return mutant(content, rng)
        written = io.BytesIO()
        np.savez(written, progress=np.array(mutant_of_json(text, rng).decode(errors="replace")))
        return written.getvalue()

    return OutsideFile(path, lambda: saved_progress(folder), changed)


def _of_data_sets(folder):
    from keras_3dmmstn.inference.data_sets.attempts import Attempts
    from keras_3dmmstn.inference.data_sets.manifest import read_manifest
    from keras_3dmmstn.inference.data_sets.places import place_of
    from keras_3dmmstn.inference.data_sets.plan import check_settings, photographs_of, read_plan
    from keras_3dmmstn.inference.data_sets.shard import read_outcome

    place = place_of(str(folder))
    settings = {"source": "photographs", "format": "parquet", "textures": "png", "shard_size": 2}
    plan = {"format": 1, "photographs": 2, "shards": 1, "settings": settings}
    photographs = [[0, "a.jpg", [1, 2, 30, 40]], [1, "b.jpg", None, "no file"]]
    without = {"photograph": photographs[1], "kind": "failed", "reason": "no file"}
    outcome = {"file": "faces/000000.parquet", "photographs": 2, "faces": 1, "bytes": 900}
    shards = [{**outcome, "without_faces": 1}]
    counts = {"photographs": 2, "faces": 1, "failed": 1, "without_face": 0, "bytes": 900}
    manifest = {"format": 1, "finished": True, **counts, "texture_shape": [5, 4, 3]}
    manifest |= {"settings": settings, "versions": {"keras": "3"}, "shards": shards}
    lines = folder / "plan" / "000000.jsonl"
    lines.parent.mkdir(parents=True)
    lines.write_text("".join(json.dumps(row) + "\n" for row in photographs))

    def read_settings():
        with _naming("plan.json", str(folder)):
            found = read_plan(place)
            check_settings(place, found, settings)
            return found

    def attempt():
        attempts = Attempts(place, 0)
        with attempts.one_more():
            return attempts.is_hopeless(1), attempts.begin(1)

    return {
        "plan": _json(folder / "plan.json", plan, read_settings),
        "photographs of a plan": OutsideFile(
            lines, lambda: photographs_of(place, 0), mutant_of_json
        ),
        "outcome of a shard": _json(
            folder / "done" / "000000.json",
            {**outcome, "without_faces": [without]},
            lambda: read_outcome(place, 0),
        ),
        "manifest": _json(folder / "manifest.json", manifest, lambda: read_manifest(place)),
        "attempts": _json(
            folder / "attempts" / "000000.json", {"begun": 2, "at": 1, "deaths": {"1": 1}}, attempt
        ),
    }


def _of_results(folder):
    """JSON files by which a second run knows whose results lie there."""
    from keras_3dmmstn.drawing.fused_results import check_fused_folder
    from keras_3dmmstn.drawing.results.files import ResultFiles
    from keras_3dmmstn.drawing.video.former_results import former_files
    from keras_3dmmstn.export.card import camera_of_card, read_card, texture_size_of_card

    files = ResultFiles(folder / "photographs", "a.json of", "a.jpg")
    description = files.description(0)
    description.parent.mkdir(parents=True)
    files.texture(0).write_bytes(b"")
    videos, fused = folder / "videos", folder / "person.json of"

    def check_photograph():
        with _naming(description.name):
            files.check(1)
            return files

    def check_video():
        with _naming("v.json"):
            return [former_files(videos, "v", "v.mp4")]

    def check_fused():
        with _naming("person.json"):
            check_fused_folder(fused)
            return fused

    card = {
        "version": "1",
        "face_model": "toy",
        "camera": {"projection": "perspective", "focal_length": 2.5},
        "input": {"shape": [None, 48, 48, 3]},
        "outputs": {
            "parameters": {"shape": [None, 9]},
            "texture": {"shape": [None, 64, 64, 3]},
            "mask": {"shape": [None, 64, 64, 1], "method": "depth"},
        },
    }

    def read_whole_card():
        found = read_card(folder / "face.tflite")
        with _naming("face.json"):
            return camera_of_card(found), texture_size_of_card(found, (16, 12))

    return {
        "results of a photograph": _json(
            description, {"source": "a.jpg", "score": 0.5}, check_photograph
        ),
        "results of a video": _json(
            videos / "v.json", {"source": "v.mp4", "files": ["v.json", "v.npz"]}, check_video
        ),
        "results of fuse": _json(
            fused / "person.json", {"kind": "keras_3dmmstn fused face"}, check_fused
        ),
        "card of an export": _json(folder / "face.json", card, read_whole_card),
    }


@contextmanager
def _naming(name, folder=""):
    """Names a file that an error speaks of by its folder, or by its results."""
    try:
        yield
    except FileExistsError as error:
        raise ValueError(f"{name}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{name if folder in str(error) else ''} {error}") from error


def _aflw(folder):
    from keras_3dmmstn.training.data.readers.aflw import read_aflw

    face = {"rectangle": (10, 20, 100, 110), "pose": (0.1, 0.2, 0.3)}
    faces = {
        40 + n: {"file": f"0/{n}.jpg", "points": aflw_points(yaw=0.1 * n), **face} for n in range(3)
    }
    write_aflw(folder, faces)
    return OutsideFile(folder / "aflw.sqlite", lambda: read_aflw(folder))
