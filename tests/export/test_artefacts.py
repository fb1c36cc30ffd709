"""All files of an export together: planned, written, compared, and moved at once."""

import json

import numpy as np
import pytest

from keras_3dmmstn.export import parity
from keras_3dmmstn.export.artefacts import (
    FORMATS,
    NAME,
    RUNTIMES,
    Artefact,
    export_artefacts,
    planned_artefacts,
)
from keras_3dmmstn.export.card import network_card, read_card
from tests.support.small_network import SIZE, small_normaliser

pytest.importorskip("tf2onnx", reason="the extra `export` is not installed")


@pytest.fixture(scope="module")
def normaliser():
    return small_normaliser()


@pytest.fixture
def photographs(rng):
    return rng.uniform(0, 255, (2, SIZE, SIZE, 3)).astype(np.float32)


def files_below(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_the_plan_names_every_file(tmp_path):
    artefacts = planned_artefacts(tmp_path)
    assert [a.path.relative_to(tmp_path).as_posix() for a in artefacts] == [
        "keras_3dmmstn/1",
        "keras_3dmmstn-float32.tflite",
        "keras_3dmmstn-float16.tflite",
        "keras_3dmmstn-dynamic.tflite",
        "keras_3dmmstn-integer.tflite",
        "keras_3dmmstn.onnx",
    ]
    assert {a.kind for a in artefacts} == set(FORMATS)


@pytest.mark.parametrize("arguments", [(["coreml"],), (FORMATS, ["int4"])])
def test_what_is_unknown_is_named(tmp_path, arguments):
    with pytest.raises(ValueError, match=r"Expected some of .*, received '(coreml|int4)'"):
        planned_artefacts(tmp_path, *arguments)


@pytest.mark.slow
def test_every_format_is_written_with_its_card(
    normaliser, photographs, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(parity, "THREADS", (1,))
    # The small network is untrained: weights in int8 move its landmarks by more than others'.
    loose = parity.Tolerance(landmarks=2.0, outliers=0.1, texture=20.0, mask=0.1)
    monkeypatch.setattr(Artefact, "tolerance", loose)
    artefacts, said = planned_artefacts(tmp_path), []
    with caplog.at_level("INFO", "keras_3dmmstn"):
        reports = export_artefacts(normaliser, artefacts, photographs, progress=said.append)
    for artefact in artefacts:
        assert f"{artefact.title}: compared on {len(photographs)} photographs in " in caplog.text
    assert [report["path"] for report in reports] == [str(a.path) for a in artefacts]
    for artefact, report in zip(artefacts, reports, strict=True):
        assert artefact.path.exists()
        assert read_card(artefact.path)["outputs"]["mask"]["shape"][1:] == [16, 12, 1]
        assert report["landmarks_px"]["max"] < (0.1 if artefact.precision == "float16" else 2)
        if artefact.precision == "float32":
            assert report["landmarks_px"]["max"] < 0.01
    assert "Writing tflite integer" in said
    assert not [name for name in files_below(tmp_path) if name.startswith(".")]


def test_if_the_last_one_differs_nothing_is_left_of_any(
    normaliser, photographs, tmp_path, monkeypatch
):
    def checked(kind, path, *arguments):
        assert path.exists() and path.parent == tmp_path
        if kind == "onnx":
            raise parity.ParityError("differs")
        return {}

    monkeypatch.setattr(parity, "check_parity", checked)
    artefacts = planned_artefacts(tmp_path, ("tflite", "onnx"), ("float32",))
    with pytest.raises(parity.ParityError, match=r"keras_3dmmstn\.onnx: differs"):
        export_artefacts(normaliser, artefacts, photographs)
    assert files_below(tmp_path) == []


def test_a_missing_runtime_is_named_before_anything_is_built(
    normaliser, photographs, tmp_path, monkeypatch
):
    monkeypatch.setitem(RUNTIMES, "tflite", ("no_such_runtime",))
    artefacts = planned_artefacts(tmp_path / "out", ("tflite",), ("float32",))
    with pytest.raises(ImportError, match=r"no_such_runtime: pip install .*\[export\]"):
        export_artefacts(normaliser, artefacts, photographs, progress=pytest.fail)
    assert not (tmp_path / "out").exists()


def test_what_exists_stops_before_anything_is_built(normaliser, photographs, tmp_path):
    (tmp_path / f"{NAME}.onnx").write_text("mine")
    artefacts = planned_artefacts(tmp_path, ("tflite", "onnx"), ("float32",))
    with pytest.raises(FileExistsError, match=r"keras_3dmmstn\.onnx exists"):
        export_artefacts(normaliser, artefacts, photographs, progress=pytest.fail)
    assert files_below(tmp_path) == [f"{NAME}.onnx"]


def test_a_card_that_is_missing_or_damaged_is_named(tmp_path, normaliser):
    with pytest.raises(FileNotFoundError, match=r"face\.json"):
        read_card(tmp_path / "face.tflite")
    (tmp_path / "face.json").write_text("{")
    with pytest.raises(ValueError, match=r"face\.json: expected the card of an export in JSON"):
        read_card(tmp_path / "face.tflite")
    card = network_card(normaliser)
    (tmp_path / "face.json").write_text(json.dumps({**card, "face_model": 3}))
    with pytest.raises(ValueError, match=r"face\.json: expected .* received face_model 3"):
        read_card(tmp_path / "face.tflite")
    (tmp_path / "face.json").write_text(json.dumps(card))
    assert read_card(tmp_path / "face.tflite") == card


@pytest.mark.parametrize("side", [0, 2049, 10**9, 64.0, True, None])
def test_a_card_that_claims_sides_which_no_network_has_is_refused(normaliser, tmp_path, side):
    path = tmp_path / "face.tflite"
    card = network_card(normaliser)
    card["input"]["shape"][1:3] = [2048, 2048]
    path.with_suffix(".json").write_text(json.dumps(card))
    assert read_card(path)["input"]["shape"][1] == 2048
    card["input"]["shape"][1] = side
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match="card of an export, received input of shape"):
        read_card(path)
