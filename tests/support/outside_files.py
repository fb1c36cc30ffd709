"""Small valid files of every format that the package reads, and how each is read."""

import json
import pickle
import struct
from pathlib import Path

import cv2
import h5py
import numpy as np
import scipy.io

from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.mesh import GridModel, ShapeModel
from keras_3dmmstn.mesh.formats.triangle_mesh import read_triangle_mesh
from keras_3dmmstn.mesh.readers import read
from keras_3dmmstn.mesh.readers.annotations import read_annotations
from keras_3dmmstn.mesh.synthetic import toy_shape_model
from keras_3dmmstn.network.vgg_face_file import read_vgg_face
from tests.support.files_of_runs import write_files_of_runs
from tests.support.outside_file import OutsideFile
from tests.support.vgg_face_mat import BLOCKS, small_layers, write_mat

PICTURES = ("jpg", "png", "gif", "webp", "bmp", "tiff", "ppm", "avif", "hdr", "ras", "pfm")


def write_outside_files(folder: Path) -> dict[str, OutsideFile]:
    """Writes a file of each kind into a folder of its own.

    Returns:
        Kind to file. A reader of a folder gets the folder.
    """
    model = toy_shape_model(31, 31)
    return {
        **_own_files(folder, model),
        **_flame(folder, model),
        **_basel_2009(folder, model),
        **_basel_2017(folder, model),
        **_tddfa(folder, model),
        **_surrey(folder, model),
        **_meshes(folder, model),
        **_networks(folder),
        **_pictures(folder),
        **_tables(folder),
        **_settings(folder),
        **write_files_of_runs(folder),
    }


def _modes(model):
    return model.basis[:4].reshape(4, -1).T.astype(np.float32)


def _own_files(folder, model):
    grid, shape = folder / "grid.npz", folder / "shape.npz"
    rows, columns = np.meshgrid(np.arange(8.0), np.arange(6.0), indexing="ij")
    mean = np.stack([10 * columns, 10 * rows, rows * columns], axis=-1).reshape(-1, 3)
    rng = np.random.default_rng(0)
    GridModel(
        mean, rng.normal(size=(3, 48, 3)), (8, 6), {"ibug68": np.arange(68) % 48}, 2, "small"
    ).save(grid)
    model.save(shape)
    arrays = {"mean": model.mean, "basis": model.basis[:2], "triangles": model.triangles}
    np.savez_compressed(folder / "arrays.npz", **arrays)
    anl = folder / "Landmarks21_BFM.anl"
    anl.write_text("% numbers\n" + "\n".join(str(n + 1) for n in range(21)))
    return {
        "grid model": OutsideFile(grid, lambda: GridModel.load(grid)),
        "shape model": OutsideFile(shape, lambda: ShapeModel.load(shape)),
        "arrays": OutsideFile(folder / "arrays.npz", lambda: read("npz", folder / "arrays.npz")),
        "annotations": OutsideFile(anl, lambda: read_annotations(anl, 100)),
    }


def _flame(folder, model):
    path, points = folder / "flame.pkl", folder / "embedding.npy"
    arrays = {
        "v_template": model.mean * [1, -1, -1] / 1000,  # metres, y up
        "shapedirs": model.basis.transpose(1, 2, 0) / 1000,
        "f": model.triangles.astype(np.uint32),
        "bs_type": "lrotmin",
    }
    path.write_bytes(pickle.dumps(arrays, 2))
    corners = model.landmarks["ibug68"]
    faces = np.array([np.flatnonzero((model.triangles == c).any(axis=1))[0] for c in corners])
    weights = (model.triangles[faces] == corners[:, None]).astype(float)
    embedding = {"lmk_face_idx": faces[17:], "lmk_b_coords": weights[17:]}
    np.save(points, embedding, allow_pickle=True)
    return {
        "FLAME": OutsideFile(path, lambda: read("flame", path)),
        "FLAME landmarks": OutsideFile(points, lambda: read("flame", path, landmarks=points)),
    }


def _basel_2009(folder, model):
    files = {}
    for name, compressed in (("mat", False), ("compressed mat", True)):
        own = folder / name.replace(" ", "_")
        own.mkdir()
        shape, expressions = own / "01_MorphableModel.mat", own / "Model_Expression.mat"
        scipy.io.savemat(
            shape,
            {
                "shapeMU": 1000 * model.mean.reshape(-1, 1),
                "shapePC": _modes(model),
                "shapeEV": np.ones((4, 1)),
                "tl": model.triangles + 1.0,
            },
            do_compression=compressed,
        )
        known = {"mu_exp": np.ones((3 * 60, 1)), "w_exp": _modes(model)[: 3 * 60]}
        known["sigma_exp"] = np.ones((4, 1))
        scipy.io.savemat(expressions, known, do_compression=compressed)
        scipy.io.savemat(own / "model_info.mat", {"trimIndex": np.arange(1.0, 61)[:, None]})

        def read_both(shape=shape, expressions=expressions):
            return read("bfm2009", shape, identity=2, expression=2, expressions=expressions)

        files[f"Basel 2009, {name}"] = OutsideFile(
            shape, lambda shape=shape: read("bfm2009", shape, identity=2)
        )
        files[f"expressions, {name}"] = OutsideFile(expressions, read_both)
        files[f"vertex map, {name}"] = OutsideFile(own / "model_info.mat", read_both)
    return files


def _basel_2017(folder, model):
    files = {}
    for name, storage in (("h5", {}), ("compressed h5", {"compression": "gzip"})):
        path = folder / f"{name.replace(' ', '_')}.h5"
        arrays = {
            "shape/model/mean": model.mean.ravel(),
            "shape/model/pcaBasis": _modes(model),
            "shape/model/pcaVariance": np.ones(4),
            "shape/representer/points": model.mean.T,
            "shape/representer/cells": model.triangles.T,
        }
        with h5py.File(path, "w") as file:
            for key, array in arrays.items():
                file.create_dataset(key, data=array, **storage)
            landmarks = [{"id": "nose", "coordinates": model.mean[5].tolist()}]
            file["metadata/landmarks/json"] = json.dumps(landmarks)
        files[name] = OutsideFile(path, lambda path=path: read("bfm2017", path))
    return files


def _tddfa(folder, model):
    own = folder / "train.configs"
    own.mkdir()
    np.save(own / "u_shp.npy", model.mean.reshape(-1, 1))
    np.save(own / "u_exp.npy", np.zeros((model.mean.size, 1)))
    np.save(own / "w_shp_sim.npy", _modes(model))
    np.save(own / "w_exp_sim.npy", _modes(model))
    deviation = {"param_mean": np.zeros(20), "param_std": np.ones(20)}
    (own / "param_whitening.pkl").write_bytes(pickle.dumps(deviation, 3))
    (folder / "tri.pkl").write_bytes(pickle.dumps(model.triangles, 4))

    def read_folder():
        return read("tddfa", own, triangles=folder / "tri.pkl")

    return {
        "3DDFA npy": OutsideFile(own / "w_shp_sim.npy", read_folder),
        "3DDFA deviations": OutsideFile(own / "param_whitening.pkl", read_folder),
        "3DDFA triangles": OutsideFile(folder / "tri.pkl", read_folder),
    }


def eos_matrix(array: np.ndarray) -> bytes:
    """Returns a matrix as eos writes it."""
    array = np.asarray(array, np.float32)
    return struct.pack("<ii", *array.shape) + array.tobytes("F")


def eos_model(model: ShapeModel) -> bytes:
    """Returns a shape model as eos writes it, version 1."""
    triangles = struct.pack("<Q", len(model.triangles)) + model.triangles.tobytes()
    shape = [model.mean.reshape(-1, 1), _modes(model), np.ones((4, 1))]
    nothing = [np.zeros((0, 1)), np.zeros((0, 0)), np.zeros((0, 1))]
    colour = b"".join(map(eos_matrix, nothing)) + struct.pack("<Q", 0)
    without_texture = struct.pack("<Q", 0)
    shape_model = b"".join(map(eos_matrix, shape)) + triangles
    return struct.pack("<I", 1) + shape_model + colour + without_texture


def eos_blendshapes(model: ShapeModel) -> bytes:
    """Returns two blend shapes as eos writes them."""
    shapes = struct.pack("<Q", 2)
    for name, offsets in ((b"anger", model.basis[0]), (b"joy", model.basis[1])):
        shapes += struct.pack("<Q", len(name)) + name + eos_matrix(offsets.reshape(-1, 1))
    return shapes


def _surrey(folder, model):
    own = folder / "sfm"
    own.mkdir()
    shape, blendshapes = own / "sfm_shape_3448.bin", own / "expression_blendshapes_3448.bin"
    shape.write_bytes(eos_model(model))
    blendshapes.write_bytes(eos_blendshapes(model))
    return {
        "eos model": OutsideFile(shape, lambda: read("surrey", own)),
        "eos blend shapes": OutsideFile(blendshapes, lambda: read("surrey", own)),
    }


def mesh_files(vertices: np.ndarray, polygons: list[list[int]]) -> dict[str, bytes]:
    """Returns a mesh of polygons in each format, by suffix."""
    points = "".join("{:.9g} {:.9g} {:.9g}\n".format(*v) for v in vertices.tolist())
    rows = "".join(f"{len(p)} {' '.join(map(str, p))}\n" for p in polygons)
    head = (
        "ply\nformat {} 1.0\ncomment by hand\n"
        f"element vertex {len(vertices)}\nproperty double x\nproperty double y\nproperty double z\n"
        f"element face {len(polygons)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    obj = "".join(f"v {line}\n" for line in points.splitlines())
    obj += "".join(f"f {' '.join(str(n + 1) for n in p)}\n" for p in polygons)
    binary = {}
    for order, name in (("<", "little"), (">", "big")):
        data = vertices.astype(f"{order}f8").tobytes()
        data += b"".join(struct.pack(f"{order}B{len(p)}i", len(p), *p) for p in polygons)
        binary[f"{name}.ply"] = head.format(f"binary_{name}_endian").encode() + data
    return {
        "obj": obj.encode(),
        "off": f"OFF\n{len(vertices)} {len(polygons)} 0\n{points}{rows}".encode(),
        "ply": (head.format("ascii") + points + rows).encode(),
        **binary,
    }


def _meshes(folder, model):
    polygons = [*model.triangles[2:].tolist(), [0, 1, 2, 3], [4, 5, 6, 7, 8]]
    files = {}
    for suffix, content in mesh_files(model.mean, polygons).items():
        path = folder / f"mesh.{suffix}"
        path.write_bytes(content)
        files[suffix] = OutsideFile(path, lambda path=path: read_triangle_mesh(path))
    return files


def _networks(folder):
    vgg = write_mat(folder / "vgg-face.mat", small_layers(np.random.default_rng(0)))
    (folder / "camera.json").write_text('{"focal_length": 3.5}\n')
    blocks = [*map(list, BLOCKS[:-1]), ["fc6", "fc7"]]
    return {
        "VGG-Face": OutsideFile(vgg, lambda: read_vgg_face(vgg, blocks)),
        "camera": OutsideFile(folder / "camera.json", lambda: _read_camera(folder)),
    }


def _read_camera(folder):
    from keras_3dmmstn.inference.camera import Camera  # it takes TensorFlow, which takes seconds

    return Camera.load(folder)


def _pictures(folder):
    rng = np.random.default_rng(1)
    picture = cv2.resize(rng.integers(0, 256, (6, 8, 3)).astype(np.uint8), (64, 48))
    files = {}
    for suffix in PICTURES:
        path = folder / f"picture.{suffix}"
        values = picture.astype(np.float32) if suffix in ("hdr", "pfm") else picture
        assert cv2.imwrite(str(path), values)
        files[suffix] = OutsideFile(path, lambda path=path: read_photograph(path))
    return files


def _tables(folder):
    """Files of labels and boxes."""
    from keras_3dmmstn.inference.box_table import read_boxes
    from keras_3dmmstn.inference.data_sets.places import place_of
    from keras_3dmmstn.inference.data_sets.tables import rows_of_table
    from keras_3dmmstn.training.data.readers.landmark_files import read_landmark_csv, read_pts

    boxes, labels, points = folder / "boxes.csv", folder / "landmarks.csv", folder / "face.pts"
    boxes.write_text("image,x0,y0,x1,y1\na.jpg,1,2,30,40\nb.jpg,5,6,70,80.5\n")
    columns = [f"{axis}{number}" for number in range(68) for axis in "xy"]
    row = ["a.jpg", *map(str, range(136))]
    labels.write_text(",".join(["image", *columns]) + "\n" + ",".join(row) + "\n")
    pairs = "".join(f"{n}.5 {n}\n" for n in range(68))
    points.write_text(f"version: 1\nn_points: 68\n{{\n{pairs}}}\n")
    return {
        "boxes": OutsideFile(boxes, lambda: read_boxes(boxes)),
        "table of a data set": OutsideFile(
            boxes, lambda: list(rows_of_table(place_of(str(folder)), "boxes.csv"))
        ),
        "landmarks.csv": OutsideFile(labels, lambda: read_landmark_csv(folder)),
        "pts": OutsideFile(points, lambda: read_pts(points)),
    }


def _settings(folder):
    """What runs of training and presets are described by."""
    from keras_3dmmstn.inference.preset import PresetConfig
    from keras_3dmmstn.training.config_file import load_config
    from keras_3dmmstn.training.stages import read_stages

    own = folder / "settings"
    own.mkdir()
    config, stages, preset = own / "run.toml", own / "stages.toml", own / "config.json"
    config.write_text('recipe = "compact"\nepochs = 3\nlearning_rate = 1e-3\n')
    stages.write_text('[[stage]]\nname = "first"\ncommand = ["echo", "{out}"]\nminutes = 2\n')
    preset.write_bytes(PresetConfig().content())
    return {
        "settings": OutsideFile(config, lambda: load_config(config)),
        "stages": OutsideFile(stages, lambda: read_stages(stages, {"out": own})),
        "preset": OutsideFile(preset, lambda: PresetConfig.load(own)),
    }
