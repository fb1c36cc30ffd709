"""The folder of a run: its record, its log, and runs that are not the same."""

import csv
import json
import shlex
from dataclasses import replace

import pytest

from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.training.config_file import load_config
from keras_3dmmstn.training.recipes import recipe
from keras_3dmmstn.training.run_folder import begin_run, describe_model, write_log

INPUTS = {"train": {"0 helen": "12 faces"}, "start": "nothing"}


def test_a_run_writes_its_config_versions_seed_and_command(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["keras-3dmmstn", "train", "my faces", "--out", "run"])
    config = replace(recipe("compact"), seed=7)
    begin_run(tmp_path / "a" / "run", config, INPUTS)
    assert load_config(tmp_path / "a" / "run" / "config.toml") == config
    record = json.loads((tmp_path / "a" / "run" / "run.json").read_text())
    assert record["seed"] == 7 and record["inputs"] == INPUTS
    (start,) = record["starts"]
    assert start["command"] == "keras-3dmmstn train 'my faces' --out run"
    assert {"tensorflow", "keras", "numpy", "keras-3dmmstn"} <= set(start["versions"])


def test_a_command_that_is_no_utf_8_is_recorded(tmp_path, monkeypatch):
    command = ["keras-3dmmstn", "train", "gesichter-\udcff", "gesichter-ä"]
    monkeypatch.setattr("sys.argv", command)
    for _ in range(2):
        begin_run(tmp_path, recipe("paper"), INPUTS)
    text = (tmp_path / "run.json").read_text("utf-8")
    assert "gesichter-ä" in text
    for start in json.loads(text)["starts"]:
        assert start["command"] == shlex.join(command)


def test_each_start_is_recorded(tmp_path):
    for _ in range(3):
        begin_run(tmp_path, recipe("paper"), INPUTS)
    assert len(json.loads((tmp_path / "run.json").read_text())["starts"]) == 3


def test_another_run_is_refused_with_its_differences(tmp_path):
    begin_run(tmp_path, recipe("paper"), INPUTS)
    before = (tmp_path / "run.json").read_bytes()
    with pytest.raises(ValueError, match="batch_size: 32 → 3; seed: 0 → 1"):
        begin_run(tmp_path, replace(recipe("paper"), batch_size=3, seed=1), INPUTS)
    with pytest.raises(ValueError, match=r"train: .*12 faces.* → .*13 faces"):
        begin_run(tmp_path, recipe("paper"), {**INPUTS, "train": {"0 helen": "13 faces"}})
    with pytest.raises(ValueError, match="start: nothing → None"):
        begin_run(tmp_path, recipe("paper"), {"train": INPUTS["train"]})
    assert (tmp_path / "run.json").read_bytes() == before


def test_epochs_alone_may_change_but_not_below_what_is_done(tmp_path):
    config = replace(recipe("paper"), epochs=5)
    begin_run(tmp_path, config, INPUTS)
    for epochs in (9, 3):
        begin_run(tmp_path, replace(config, epochs=epochs), INPUTS, epochs_done=3)
        assert load_config(tmp_path / "config.toml").epochs == epochs
    starts = json.loads((tmp_path / "run.json").read_text())["starts"]
    assert [start["epochs"] for start in starts] == [5, 9, 3]

    with pytest.raises(ValueError, match=r"has 3 complete epochs, received epochs = 2\. Give 3 or"):
        begin_run(tmp_path, replace(config, epochs=2), INPUTS, epochs_done=3)
    assert load_config(tmp_path / "config.toml").epochs == 3
    assert len(json.loads((tmp_path / "run.json").read_text())["starts"]) == 3


def test_a_run_that_the_version_before_began_goes_on(tmp_path):
    config = recipe("compact")
    begin_run(tmp_path, config, INPUTS)
    record = json.loads((tmp_path / "run.json").read_text())
    record["material"] = record.pop("inputs")
    (tmp_path / "run.json").write_text(json.dumps(record))
    text = (tmp_path / "config.toml").read_text()
    for former, name in (("localiser", "backbone"), ("scale", "scale_deviation")):
        text = text.replace(f"\n{name} = ", f"\n{former} = ")
    (tmp_path / "config.toml").write_text(text)

    begin_run(tmp_path, config, INPUTS)  # without a warning: the user typed none of these names
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["inputs"] == INPUTS and len(record["starts"]) == 2 and "material" not in record
    assert load_config(tmp_path / "config.toml") == config  # by the names of now: no warning
    with pytest.raises(ValueError, match=r"train: .*12 faces.* → .*13 faces"):
        begin_run(tmp_path, config, {**INPUTS, "train": {"0 helen": "13 faces"}})


def test_a_run_without_its_record_is_refused(tmp_path):
    begin_run(tmp_path, recipe("compact"), INPUTS)
    (tmp_path / "run.json").unlink()
    with pytest.raises(ValueError, match=r"has a config\.toml but no run\.json.*another folder"):
        begin_run(tmp_path, recipe("compact"), INPUTS)


def test_it_is_known_how_many_epochs_a_run_was_to_have(tmp_path):
    config = replace(recipe("compact"), epochs=3)
    assert [
        begin_run(tmp_path, replace(config, epochs=epochs), INPUTS) for epochs in (3, 5, 5)
    ] == [3, 3, 5]


def test_a_kill_between_record_and_config_is_no_run_yet(tmp_path):
    begin_run(tmp_path, recipe("paper"), INPUTS)
    (tmp_path / "config.toml").unlink()
    begin_run(tmp_path, recipe("compact"), INPUTS)
    assert load_config(tmp_path / "config.toml") == recipe("compact")


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"true", b'"x"', b"[" * 50_000, b'{"starts": []}']
)
def test_a_damaged_record_is_named(content, tmp_path):
    begin_run(tmp_path, recipe("paper"), INPUTS)
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"run\.json: expected the record of a run"):
        begin_run(tmp_path, recipe("paper"), INPUTS)


def test_another_face_model_or_start_is_noticed(tmp_path):
    face = toy_grid_model((16, 16))
    (tmp_path / "a.keras").write_bytes(b"a")
    (tmp_path / "b.keras").write_bytes(b"b")
    plain = describe_model(face, None)
    assert plain == describe_model(toy_grid_model((16, 16)), None)
    assert plain != describe_model(replace(face, mean=face.mean + 1), None)
    begun = [describe_model(face, tmp_path / f"{name}.keras")["start"] for name in "ab"]
    assert len({plain["start"], *begun}) == 3


def test_the_log_has_a_row_for_each_epoch(tmp_path):
    write_log(tmp_path, [{"loss": 2.0}, {"loss": 1.0, "val_loss": 3.0}])
    write_log(tmp_path, [{"loss": 2.0}, {"loss": 1.5, "val_loss": 3.0}])
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert rows == [
        {"epoch": "1", "loss": "2.0", "val_loss": ""},
        {"epoch": "2", "loss": "1.5", "val_loss": "3.0"},
    ]
