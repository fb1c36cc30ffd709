"""The blocks of Python on the pages: what each reads, what is shortened, what it must do."""

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from keras_3dmmstn import GridModel, Normaliser, spatial_transformer
from keras_3dmmstn.drawing.meshes.files import save_mesh
from keras_3dmmstn.drawing.results.face_table import face_table
from keras_3dmmstn.drawing.video.results import VideoResults
from keras_3dmmstn.export import export_tflite
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.mesh.synthetic import toy_shape_model
from keras_3dmmstn.training.conversion import convert
from keras_3dmmstn.training.faces import read_faces
from tests.support.data_sets import write_photographs
from tests.support.object_blocks import (
    check_object_crop,
    check_object_model,
    check_object_texture,
    check_object_training,
    write_meshes,
    write_object_labels,
    write_object_network,
    write_street,
)
from tests.support.tiny_run import write_faces
from tests.support.vgg_face_mat import small_layers, write_mat
from tests.support.videos import moving_portrait, write_video

ASSETS = Path(str(resources.files("keras_3dmmstn.assets")))
FACES = 4


@dataclass(frozen=True)
class Block:
    """How a block of a page is run.

    Attributes:
        word: that the block has, so that none is run in the place of another.
        files: write what the block reads to the working folder.
        changes: text to what stands for it, where the block would take long.
        check: is called with the block's names, after it ran.
        slow: whether it takes more than ten seconds.
    """

    word: str
    files: tuple[Callable[[], object], ...] = ()
    changes: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[dict[str, Any]], object] = len
    slow: bool = False


def write_portrait():
    cv2.imwrite("holiday.jpg", read_photograph(ASSETS / "portrait.jpg")[..., ::-1])


def write_photographs_folder():
    write_photographs(Path("photographs"), 3)


def write_table():
    photograph = read_photograph(ASSETS / "portrait.jpg")
    (face,) = Normaliser.pretrained()(photograph)
    passport = {
        "inter_eye_distance": 95.0, "yaw": -4.0, "pitch": 4.9, "roll": 7.5, "sharpness": 0.5,
        "brightness": 120.0, "light_difference": -9.0, "mouth_open": False,
        "left_eye_closed": False, "right_eye_closed": False,
    }  # fmt: skip
    with face_table(Path("faces.csv")) as table:
        for name, change in (("a", {}), ("b", {"yaw": 5.1}), ("c", {"mouth_open": True})):
            quantities = face.quantities()._replace(**passport | change)
            table.add(f"{name}.jpg", [FaceThatMeasures(face, quantities)])
        table.add("d.jpg", [], "no face was found")
        quantities = face.quantities()._replace(**passport)
        table.add("e.jpg", [FaceThatMeasures(face, quantities)] * 2)


class FaceThatMeasures:
    """A face whose quantities are made up."""

    def __init__(self, face, quantities):
        self.box, self.score, self.confidence = face.box, face.score, face.confidence
        self.quantities = lambda: quantities


def write_arrays():
    rng = np.random.default_rng(0)
    np.save("images.npy", rng.uniform(0, 255, (FACES, 224, 224, 3)).astype(np.float32))
    labels = rng.uniform(0, 223, (FACES, 68, 3)).astype(np.float32)
    labels[..., 2] = 1
    np.save("landmarks.npy", labels)


def write_pairs():
    write_arrays()
    for name, pairs in (("images", "pairs"), ("landmarks", "pair_landmarks")):
        array = np.load(f"{name}.npy")
        np.save(f"{pairs}.npy", array.reshape(-1, 2, *array.shape[1:]))


def write_classes():
    write_arrays()
    np.save("labels.npy", np.arange(FACES) % 7)


def write_two_photographs():
    write_portrait()
    cv2.imwrite("portrait.png", read_photograph(ASSETS / "portrait.jpg")[:, ::-1, ::-1])


def write_people():
    rng = np.random.default_rng(0)
    np.save("textures.npy", rng.uniform(0, 255, (6, 64, 64, 3)).astype(np.float32))
    np.save("people.npy", np.arange(6) % 3)


def write_passports():
    Path("passports").mkdir()
    cv2.imwrite("passports/a.jpg", np.zeros((200, 200, 3), np.uint8))
    Path("passports/b.jpg").write_bytes(b"broken")
    np.save("points.npy", np.random.default_rng(0).uniform(50, 150, (2, 68, 2)))


def write_crops():
    write_faces(Path("youtube/train"), FACES)
    convert(read_faces("youtube/train"), "crops")


def write_small_vgg_face():
    write_mat("vgg-face.mat", small_layers(np.random.default_rng(0)))


def write_shape_model():
    toy_shape_model().save("my_model.npz")


def write_run():
    Path("run").mkdir()
    shutil.copy(ASSETS / "localiser.keras", "run/localiser.keras")


def write_drivers():
    Path("runs/drivers").mkdir(parents=True)
    for name in ("localiser.keras", "face_model.npz"):
        shutil.copy(ASSETS / name, Path("runs/drivers") / name)


def write_tutorial_portrait():
    shutil.copy(ASSETS / "portrait.jpg", "portrait.jpg")


def write_tutorial_run():
    write_tutorial_portrait()
    Path("run").mkdir()
    for name in ("localiser.keras", "face_model.npz"):
        shutil.copy(ASSETS / name, Path("run") / name)


def write_tutorial_export():
    write_tutorial_portrait()
    Path("normalised").mkdir()
    Path("normalised/portrait_0.json").write_text('{"box": [88, 87, 181, 179]}')
    Path("exported").mkdir()
    path = "exported/keras_3dmmstn-float16.tflite"
    export_tflite(Normaliser.pretrained(), path, precision="float16")


def write_clip():
    write_video(Path("clip.mp4"), moving_portrait(3))


def write_track():
    write_clip()
    results = VideoResults(Path(), "clip", "clip.mp4", 25)
    with results:
        for frame in Normaliser.pretrained().track(moving_portrait(3)):
            results.add(frame)
        results.finish([], 0)


def write_three_sides():
    for name in ("front", "left", "right"):
        shutil.copy(ASSETS / "portrait.jpg", f"{name}.jpg")


def check_tracked(names):
    assert sorted(names["frame"].faces) == [1]


def check_track(names):
    assert names["yaw"].shape == (3,)
    assert names["mouth"].shape == (3, 2, 2)


def check_person(names):
    assert names["person"].texture.shape == (512, 512, 3)
    np.testing.assert_allclose(names["person"].shares.sum(), 1)


def check_tutorial_portrait(names):
    assert names["portrait"].read_bytes() == Path("portrait.jpg").read_bytes()


def check_tutorial_face(names):
    """What the page says of it."""
    face = names["face"]
    assert abs(face.pose.yaw) < 1 and round(face.mask.mean(), 2) == 0.99
    np.testing.assert_allclose(face.landmarks("ibug68")[30], (134, 128), atol=1)


def check_tutorial_data(names):
    """The brows of the labels are higher than the network has them, the rest is the same."""
    del names
    assert len(read_faces("faces/train")) == 64
    held_out = read_faces("faces/val")
    assert len(held_out) == 16
    (face,) = Normaliser.pretrained()(held_out.paths[0], [[88, 87, 181, 179]])
    labels, found = held_out.landmarks[0, :68, :2], face.landmarks("ibug68")
    distance = np.linalg.norm(labels - found, axis=1)
    assert distance[17:27].mean() > 2 * distance[27:].mean()


def check_tutorial_start(names):
    del names
    assert Normaliser.load("start").localiser.count_params() > 0


def check_tutorial_run(names):
    np.testing.assert_allclose(names["moved"], 0, atol=1e-3)  # the run is the bundled weights


def check_tutorial_export(names):
    (face,) = Normaliser.pretrained()("portrait.jpg", [[88, 87, 181, 179]])
    assert np.abs(names["landmarks"] - face.landmarks("ibug68")).mean() < 0.5
    assert cv2.imread("texture.png").std() > 20


def check_derivative(names):
    assert names["difference"] < 1e-8


def check_front_view(names):
    """The block's own view is the face on white."""
    view = names["face"].front_view(64)
    assert view.shape == (64, 64, 3) and (view < 255).mean() > 0.3


def write_mesh_arrays():
    write_portrait()
    (face,) = Normaliser.pretrained()("holiday.jpg", [[88, 87, 181, 179]])
    Path("normalised").mkdir()
    save_mesh(face, "normalised/holiday_0.npz")


def check_meshes(names):
    assert sorted(path.name for path in Path().glob("face*")) == [
        *("face.glb", "face.mtl", "face.obj", "face_texture.png")
    ]
    assert 150 < names["mesh"].area / 100 < 600 and names["arrays"].texture.shape == (512, 512, 3)


def check_winking(names):
    assert (names["winking"] != names["face"].front_view(expression="neutral")).any()


def check_mesh_arrays(names):
    assert names["landmarks"].shape == (68, 3)


def check_face(names):
    face = names["face"]
    assert face.texture.shape == (112, 112, 3) and face.mask.mean() > 0.7


def check_good_face(names):
    assert len(names["good"]) == 1


def check_spread(names):
    # A plain portrait of some 90 pixels: landmarks may be off by a pixel to some pixels.
    assert names["pixels"].shape == (68,) and 0.5 < np.median(names["pixels"]) < 6
    assert len(names["doubtful"]) < 20


def check_suitable(names):
    assert names["suitable"] == ["a.jpg"]


def check_found_face(names):
    assert len(names["faces"]) == 1 and names["normaliser"].detector.smallest == 24


def check_larger_face(names):
    face = names["face"]
    assert face.texture.shape == (512, 512, 3) and face.mask.mean() > 0.7
    # Vertex (i, j) is pixel (i · 511 / 111, j · 511 / 111), as the page says.
    i, j = np.divmod(face.landmark_indices["ibug68"], 112)
    rows, columns = (np.round(place * 511 / 111).astype(int) for place in (i, j))
    agree = face.mask[rows, columns] == face.visible[face.landmark_indices["ibug68"]]
    assert agree.mean() > 0.9


def check_stream(names):
    assert len(names["photograph"].faces) == 1 and str(names["photograph"].source) == "holiday.jpg"


def check_data_set(names):
    assert names["manifest"]["faces"] == 3
    assert names["batch"]["texture"].shape == (3, 112, 112, 3)


def check_both(names):
    assert [len(photograph.faces) for photograph in names["photographs"]] == [1, 1]


def check_textures(names):
    assert names["textures"].shape == (FACES, 112, 112, 3)


def check_rotation(names):
    turned = np.asarray(names["quarter_turn_about_z"])[0] @ [1, 0, 0]
    np.testing.assert_allclose(turned, [0, 1, 0], atol=1e-6)


def check_clone(names):
    found = names["clone"](np.full((1, 224, 224, 3), 128.0))
    assert found["landmarks"].numpy().std(axis=1).min() > 10 and found["mask"].numpy().any()


def check_trained(names):
    losses = names["trainer"].get_metrics_result()
    assert np.isfinite(losses["mirror_pairs"]) and np.isfinite(losses["loss"])


def check_pairs(names):
    losses = names["trainer"].get_metrics_result()
    assert np.isfinite(losses["loss"])
    assert losses["identity_pairs"] > 0 and losses["tied_identity"] > 0


def check_network(names):
    assert names["model"].output["texture"].shape == (None, 112, 112, 3)


def check_classifier(names):
    """The last `fit` moved the localiser, and neither its statistics nor the face model."""
    bundled = spatial_transformer(GridModel.bundled(), weights="pretrained", visibility="normals")
    for new, old in zip(names["stn"].weights, bundled.weights, strict=True):
        is_kernel = "kernel" in new.path
        assert new.path == old.path or is_kernel is ("kernel" in old.path)
        assert bool((new.numpy() != old.numpy()).any()) is is_kernel or "bias" in new.path, new.path


def check_described(names):
    assert names["first"].shape == (168,) and names["first"] @ names["second"] > 0.85


def check_people(names):
    assert names["described"].shape == (6, 128) and np.isfinite(names["described"]).all()


def check_preset(names):
    assert Path("mine/config.json").exists() and names["again"].texture_size == 512


def check_drivers(names):
    del names
    assert "# Faces of drivers" in Path("drivers/README.md").read_text()


def check_perspective(names):
    assert any(layer.name == "perspective_projection" for layer in names["model"].layers)


def check_passports(names):
    assert len(names["shards"]) == 1 and Path("passport_crops/index.json").exists()
    assert "passports/b.jpg" in str(names["shards"].skipped[0])


def check_batch(names):
    images, labels = next(iter(names["batches"]))
    assert images.shape == (64, 140, 140, 3) and labels["landmarks"].shape == (64, 89, 3)


def check_refined(names):
    assert GridModel.load("refined/face_model.npz").grid_shape == (112, 112)
    assert Normaliser.load("refined").localiser.count_params() > 0


def check_grid_model(names):
    assert GridModel.load("my_grid_model.npz").grid_shape == (112, 112)


def check_loaded(names):
    assert names["model"].output["parameters"].shape == (None, 70)


def check_log_is_shown(names):
    package = logging.getLogger("keras_3dmmstn")
    assert package.isEnabledFor(logging.INFO) and not package.isEnabledFor(logging.DEBUG)
    package.setLevel(logging.NOTSET)


def check_exported(names):
    found = sorted(path.name for path in Path("exported").iterdir())
    assert found == ["face", "face.json", "face.onnx", "face.tflite"]
    assert Path("exported/face/1/saved_model.pb").exists()
    # What the page says of sizes, in MB.
    for file, size in {"face.onnx": 13.0, "face.tflite": 2.8}.items():
        assert Path("exported", file).stat().st_size / 1e6 == pytest.approx(size, abs=0.05)


#: By page, in the order of the page.
BLOCKS = {
    "README.md": [
        Block("Normaliser.pretrained", (write_portrait,), check=check_face),
        Block(
            "trainer.fit",
            (write_arrays,),
            {"epochs=100": "epochs=1, verbose=0"},
            check_textures,
            slow=True,
        ),
    ],
    "docs/photographs.md": [
        Block("face.confidence > 0.5", (write_portrait,), check=check_good_face),
        Block("face.spread > 0.05", (write_portrait,), check=check_spread),
        Block("texture_size=512", (write_portrait,), check=check_larger_face),
        Block("FaceDetector(smallest=24", (write_portrait,), check=check_found_face),
        Block("ShortRangeDetector", ()),
        Block("[[88, 87", (write_portrait,), check=check_face),
    ],
    "docs/tables.md": [
        Block("sharpness > 0.3", (write_portrait,), check=check_good_face),
        Block("inter_eye_distance", (write_table,), check=check_suitable),
    ],
    "docs/many_photographs.md": [
        Block("normaliser.stream", (write_portrait,), check=check_stream),
        Block("normalise_batch", (write_portrait,), check=check_both),
    ],
    "docs/data_sets.md": [
        Block(
            "read_normalised",
            (write_photographs_folder,),
            {'engine="ray", workers=2': 'engine="here"'},
            check_data_set,
        )
    ],
    "docs/front_view.md": [Block("front_view(512)", (write_portrait,), check=check_front_view)],
    "docs/meshes.md": [
        Block("save_mesh", (write_portrait,), check=check_meshes),
        Block("eyeBlinkLeft", (write_portrait,), check=check_winking),
        Block("landmarks/ibug68", (write_mesh_arrays,), check=check_mesh_arrays),
    ],
    "docs/video.md": [
        Block("normaliser.track", (write_clip,), check=check_tracked),
        Block("np.load", (write_track,), check=check_track),
    ],
    "docs/fusion.md": [Block("fuse(faces", (write_three_sides,), check=check_person)],
    "docs/inside_a_network.md": [
        Block(
            "MobileNetV2",
            (write_classes,),
            {
                "epochs=10": "epochs=1, verbose=0",
                "epochs=3": "epochs=1, verbose=0",
                # A step of 200 layers takes seconds, and its graph, of which the fourth notebook
                # has one, most of a minute.
                'metrics=["accuracy"]': 'metrics=["accuracy"], run_eagerly=True',
            },
            check_classifier,
        ),
    ],
    "docs/recognition.md": [
        Block("normaliser.describe", (write_two_photographs,), check=check_described),
        Block("CosineClassifier", (write_people,), {"epochs=20": "epochs=1"}, check_people),
    ],
    "docs/layers.md": [
        Block("AxisAngleToMatrix", check=check_rotation),
        Block("clone_model", check=check_clone),
    ],
    "docs/training.md": [
        Block(
            "with_reflections",
            (write_arrays,),
            {"epochs=10,": "epochs=1, verbose=0,", "batch(16,": "batch(2,"},
            check_trained,
            slow=True,
        ),
        Block("MobileNetV2", check=check_network),
        Block("vgg_face_backbone", (write_small_vgg_face,), check=check_network),
    ],
    "docs/data.md": [
        Block("joint_landmarks", (write_passports,), check=check_passports),
        Block("training_batches", (write_crops,), check=check_batch),
    ],
    "docs/unsupervised.md": [Block("refined_grid_model", check=check_refined)],
    "docs/identity_pairs.md": [
        Block(
            "tied_identity",
            (write_pairs,),
            {"batch(32,": "batch(4,", "shuffle=False)": "shuffle=False, verbose=0)"},
            check_pairs,
            slow=True,
        )
    ],
    "docs/presets.md": [
        Block("save_to_preset", check=check_preset),
        Block("Normaliser.load", (write_drivers,), check=check_drivers),
    ],
    "docs/perspective.md": [Block("focal_length=2.0", check=check_perspective)],
    "docs/face_models.md": [
        Block("flatten_symmetric", (write_shape_model,), check=check_grid_model)
    ],
    "docs/other_objects.md": [
        Block("flatten_symmetric", (write_meshes,), check=check_object_model),
        Block("flatten_disc", (write_meshes,), check=check_object_model),
        Block("crop_matrix", (write_street,), check=check_object_crop),
        Block(
            "mirror_permutation",
            (write_object_labels,),
            {"epochs=20,": "epochs=1, verbose=0,", "batch(16,": "batch(2,"},
            check_object_training,
            slow=True,
        ),
        Block("Normaliser.load", (write_object_network,), check=check_object_texture),
    ],
    "docs/troubleshooting.md": [
        Block("load_model", (write_run,), check=check_loaded),
        Block("basicConfig", check=check_log_is_shown),
    ],
    "docs/export.md": [Block("export_tflite", check=check_exported, slow=True)],
    "docs/mathematics.md": [Block("compute_gradient", check=check_derivative)],
    "docs/tutorial/1-photographs.md": [
        Block("write_bytes", check=check_tutorial_portrait),
        Block("Normaliser", (write_tutorial_portrait,), check=check_tutorial_face),
    ],
    "docs/tutorial/2-your-own-data.md": [
        Block("landmarks.csv", (write_tutorial_portrait,), check=check_tutorial_data)
    ],
    "docs/tutorial/3-your-own-model.md": [
        Block('save("start")', check=check_tutorial_start),
        Block('load("run")', (write_tutorial_run,), check=check_tutorial_run),
    ],
    "docs/tutorial/4-export.md": [
        Block("Interpreter", (write_tutorial_export,), check=check_tutorial_export, slow=True)
    ],
    "docs/serving.md": [
        Block("predict_by_grpc", (write_portrait,), slow=True),
        Block(
            "GradientTape", (write_arrays,), {"exported/keras_3dmmstn": "exported/face"}, slow=True
        ),
    ],
}
