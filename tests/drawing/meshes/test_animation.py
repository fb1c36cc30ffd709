"""The face of a video as a moving mesh: its keys, and what a GLB says of them."""

import json
import struct

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from keras_3dmmstn.drawing.meshes.animation import FaceAnimation
from keras_3dmmstn.drawing.meshes.glb import encode_glb
from keras_3dmmstn.inference.meshes.face_mesh import FaceMesh
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.synthetic import toy_grid_model

MIDDLE = np.array([320.0, 240.0])
#: Half a turn about x: from y down, z away to y up, z towards the viewer, and back.
FLIP = np.array([1.0, -1.0, -1.0])


@pytest.fixture
def model():
    return toy_grid_model((16, 12))


@pytest.fixture
def thetas(model, rng):
    """Three frames: any pose, scales about 1.5 pixels a millimetre."""
    thetas = rng.normal(0, 0.3, (3, 6 + model.modes))
    thetas[:, 3:5] += MIDDLE
    thetas[:, 5] = np.log([1.4, 1.5, 1.6])
    return thetas


@pytest.fixture
def animation(model, thetas):
    return FaceAnimation.of_parameters(np.array([2.0, 2.04, 2.08]), thetas, model, MIDDLE)


def parts_of(content):
    """The description of a GLB, and its arrays by the number of their accessor."""
    length = struct.unpack_from("<I", content, 12)[0]
    description = json.loads(content[20 : 20 + length])
    binary = content[20 + length + 8 :]

    def array(number):
        accessor = description["accessors"][number]
        view = description["bufferViews"][accessor["bufferView"]]
        width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        values = np.frombuffer(binary, "<f4", accessor["count"] * width, view["byteOffset"])
        return values.reshape(-1, width)

    return description, array


def test_each_key_poses_the_face_as_its_frame_does(model, thetas, animation):
    vertices = model.mean
    for number, theta in enumerate(thetas):
        turned = Rotation.from_quat(animation.rotations[number]).apply(vertices * FLIP)
        placed = animation.scales[number] * turned + animation.translations[number]
        pixels_a_millimetre = np.exp(thetas[:, 5].mean())
        seen = placed[:, :2] * (1, -1) * pixels_a_millimetre + MIDDLE
        posed = Rotation.from_rotvec(theta[:3]).apply(vertices)[:, :2]
        np.testing.assert_allclose(seen, np.exp(theta[5]) * posed + theta[3:5], atol=1e-9)


def test_times_begin_at_the_first_frame(animation):
    np.testing.assert_allclose(animation.times, [0, 0.04, 0.08])


def test_quaternions_take_the_short_way(model, thetas):
    angles = np.linspace(3.0, 3.3, 6)  # across half a turn, where axis-angle vectors change sides
    thetas = np.repeat(thetas[:1], 6, axis=0)
    thetas[:, :3] = Rotation.from_rotvec(angles[:, None] * [0, 0, 1]).as_rotvec()
    keys = FaceAnimation.of_parameters(np.arange(6.0), thetas, model, MIDDLE)
    assert ((keys.rotations[1:] * keys.rotations[:-1]).sum(axis=1) > 0.99).all()


def mesh_of(model, blend_shapes):
    expression = np.zeros(model.modes - model.identity_count)
    texture = np.zeros((8, 8, 3), np.uint8)
    return FaceMesh.of_face(model, model.mean, expression, {}, texture, blend_shapes=blend_shapes)


def test_a_glb_has_the_keys(model, animation):
    description, array = parts_of(encode_glb(mesh_of(model, True), animation))
    (told,) = description["animations"]
    channels = {channel["target"]["path"]: channel["sampler"] for channel in told["channels"]}
    assert all(channel["target"]["node"] == 0 for channel in told["channels"])

    def output(path):
        return array(told["samplers"][channels[path]]["output"])

    np.testing.assert_allclose(output("rotation"), animation.rotations, atol=1e-6)
    np.testing.assert_allclose(output("translation"), animation.translations / 1000, atol=1e-6)
    np.testing.assert_allclose(output("scale"), animation.scales[:, None].repeat(3, 1), atol=1e-6)
    np.testing.assert_allclose(output("weights").ravel(), animation.weights.ravel(), atol=1e-6)
    times = told["samplers"][0]["input"]
    np.testing.assert_allclose(array(times).ravel(), animation.times, atol=1e-6)
    # Programs look at the bounds of the times, which the specification demands.
    np.testing.assert_allclose(description["accessors"][times]["min"], [0])
    np.testing.assert_allclose(description["accessors"][times]["max"], [0.08], atol=1e-6)


def test_without_blend_shapes_only_the_pose_moves(model, animation):
    description, _ = parts_of(encode_glb(mesh_of(model, False), animation))
    paths = [channel["target"]["path"] for channel in description["animations"][0]["channels"]]
    assert sorted(paths) == ["rotation", "scale", "translation"]


def test_a_mesh_that_does_not_move_has_no_animation(model):
    description, _ = parts_of(encode_glb(mesh_of(model, True)))
    assert "animations" not in description


def test_the_blend_shapes_make_each_frames_expression():
    model = GridModel.bundled()
    thetas = np.random.default_rng(0).normal(0, 1, (2, 6 + model.modes))
    keys = FaceAnimation.of_parameters(np.arange(2.0), thetas, model, MIDDLE)
    targets = mesh_of(model, True).targets.values()
    for weights, theta in zip(keys.weights, thetas, strict=True):
        made = sum(weight * target for weight, target in zip(weights, targets, strict=True))
        wanted = np.tensordot(theta[46:], model.basis[40:], 1)
        np.testing.assert_allclose(made * FLIP, wanted, atol=1e-3)
