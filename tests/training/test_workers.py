"""Several workers: two processes train as one does, and what ends one ends the other."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from keras_3dmmstn.training.cluster_place import Place, place_in_cluster, refuse_workers
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.run_data import epoch_batches, read_sources
from keras_3dmmstn.training.shared_run import check_same_run, check_setting_for_workers
from keras_3dmmstn.training.train import train
from keras_3dmmstn.training.workers import Workers
from tests.support import keras_on_workers, tiny_run, workers
from tests.support.command_line import run

ADDRESSES = ["one:1234", "two:1234"]
FIRST = {"type": "worker", "index": 0}


def set_cluster(monkeypatch, cluster, task):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))


@pytest.mark.parametrize("text", ["", " ", "{}", '{"cluster": {}}'])
def test_without_a_cluster_a_process_is_alone(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    assert place_in_cluster() == Place(0, 1)
    refuse_workers("anything")
    monkeypatch.delenv("TF_CONFIG")
    assert place_in_cluster() == Place(0, 1)


def test_the_chief_is_counted_before_the_workers(monkeypatch):
    cluster = {"worker": ADDRESSES, "chief": ["three:1234"]}
    set_cluster(monkeypatch, cluster, {"type": "worker", "index": 1})
    assert place_in_cluster() == Place(2, 3) and not place_in_cluster().is_chief
    set_cluster(monkeypatch, cluster, {"type": "chief", "index": 0})
    assert place_in_cluster() == Place(0, 3) and place_in_cluster().is_chief


def test_without_a_chief_the_first_worker_is_it(monkeypatch):
    set_cluster(monkeypatch, {"worker": ADDRESSES}, {"type": "worker", "index": "0"})
    assert place_in_cluster() == Place(0, 2) and place_in_cluster().is_chief


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "it is no JSON"),
        ("[]", "there is no cluster in it"),
        ({"cluster": ADDRESSES, "task": FIRST}, "there is no cluster in it"),
        ({"cluster": {"worker": ADDRESSES, "ps": ["a:1"]}, "task": FIRST}, "no 'ps'"),
        ({"cluster": {"worker": []}, "task": FIRST}, "worker is no list of addresses"),
        ({"cluster": {"worker": ["one"]}, "task": FIRST}, "worker is no list of addresses"),
        ({"cluster": {"chief": ADDRESSES}, "task": FIRST}, "more than one chief"),
        ({"cluster": {"worker": ADDRESSES}}, "task has no type"),
        ({"cluster": {"worker": ADDRESSES}, "task": {"type": "chief"}}, "task has no type"),
        ({"cluster": {"worker": ADDRESSES}, "task": {"type": "worker"}}, "index from 0 to 1"),
        ({"cluster": {"worker": ADDRESSES}, "task": {**FIRST, "index": 2}}, "index from 0 to 1"),
        ({"cluster": {"worker": ADDRESSES}, "task": {**FIRST, "index": -1}}, "index from 0 to 1"),
    ],
)
def test_a_damaged_tf_config_is_named(text, problem, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text if isinstance(text, str) else json.dumps(text))
    with pytest.raises(ValueError, match=f"TF_CONFIG: expected.*{problem}.*Received"):
        place_in_cluster()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 5}, "batch_size that 2 workers can divide, received 5"),
        ({"precision": "mixed_float16"}, "precision = mixed_float16 does not go"),
        ({"jit_compile": "on"}, "jit_compile = on does not go"),
    ],
)
def test_what_does_not_go_with_workers_is_refused_before_they_join(
    changes, message, monkeypatch, tmp_path
):
    config = replace(TrainingConfig(), **changes)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    check_setting_for_workers(config)
    set_cluster(monkeypatch, {"worker": ADDRESSES}, FIRST)
    with pytest.raises(ValueError, match=message):
        train([tmp_path], tmp_path / "out", config=config)
    assert not (tmp_path / "out").exists()


def test_work_of_one_process_is_refused(monkeypatch):
    set_cluster(monkeypatch, {"worker": ADDRESSES}, FIRST)
    with pytest.raises(ValueError, match="Something works in one process, but TF_CONFIG names 2"):
        refuse_workers("Something")


def test_a_worker_with_other_settings_or_photographs_is_named(monkeypatch):
    config = TrainingConfig()
    other = json.dumps({**vars(config), "seed": 7, "train": {"1 faces": "3 faces"}}).encode()
    monkeypatch.setattr(Workers, "from_chief", lambda self, content: other)
    with pytest.raises(ValueError, match=r"seed: 0, not 7; train: \{\}, not .*3 faces"):
        check_same_run(replace(config, seed=0), {"train": {}}, Workers(Place(1, 2), None))


@pytest.mark.parametrize("command", ["train", "train-confidence", "train-stages"])
def test_the_commands_name_a_tf_config_that_they_cannot_use(command, monkeypatch, tmp_path):
    cluster = {"worker": ADDRESSES} if command != "train" else ADDRESSES
    set_cluster(monkeypatch, cluster, FIRST)
    folders = () if command == "train-stages" else (tmp_path,)
    result = run(command, *folders, "--out", tmp_path / "out")
    assert result.exit_code == 1 and "TF_CONFIG" in result.output, result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("mirror_pairs", [0.0, 1e-4])
def test_parts_of_a_batch_are_the_batch(mirror_pairs, tmp_path):
    config = replace(
        TrainingConfig(), batch_size=4, image_size=32, augmentation=True, mirror_pairs=mirror_pairs
    )
    source = read_sources([tiny_run.write_faces(tmp_path / "faces")], config)
    whole = list(epoch_batches(source, config, 3).as_numpy_iterator())
    parts = [list(epoch_batches(source, config, 3, i, 2).as_numpy_iterator()) for i in (0, 1)]
    assert len(whole) == len(parts[0]) == len(parts[1]) == 3
    for (images, labels), *halves in zip(whole, *parts, strict=True):
        assert len(halves[0][0]) == len(images) // 2
        np.testing.assert_array_equal(np.concatenate([half[0] for half in halves]), images)
        np.testing.assert_array_equal(
            np.concatenate([half[1]["landmarks"] for half in halves]), labels["landmarks"]
        )


def ends(processes, logs, seconds):
    """Exit statuses, and what each process printed."""
    try:
        statuses = [process.wait(timeout=seconds) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return statuses, [logs.with_name(f"{logs.name}.{i}").read_text() for i in range(len(statuses))]


def wait_for(text, path, process, seconds=200):
    """Waits until a process has printed a text."""
    until = time.monotonic() + seconds
    while text not in path.read_text():
        assert process.poll() is None and time.monotonic() < until, path.read_text()[-3000:]
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_two_workers_of_which_one_is_killed_end_as_one_process(victim, tmp_path):
    # All losses of the recipe with one victim; with the other those that are sooner compiled.
    settings = {"epochs": 2} | ({} if victim else {"mirror_pairs": 0.0, "symmetry": 0.0})
    tiny_run.run(tmp_path, "one", **settings)
    command = [workers.__file__, tmp_path, "two", json.dumps(settings)]
    logs = tmp_path / "first"
    processes = workers.start(command, logs)
    try:
        wait_for("step 5 of epoch 1", tmp_path / f"first.{victim}", processes[victim])
        processes[victim].kill()
    finally:
        # The other one notices the closed connection in seconds; a machine may be busy.
        statuses, texts = ends(processes, logs, 60)
    assert statuses[victim] == -9 and statuses[1 - victim] == 1
    assert "WorkersError: Another worker of the run has ended" in texts[1 - victim]
    assert (tmp_path / "two" / "checkpoint.npz").exists()

    if victim == 0:
        go_on_with_two(command, tmp_path / "second")
    else:  # one process goes on with what two began
        tiny_run.run(tmp_path, "two", **settings)
    assert_same_run(tmp_path / "one", tmp_path / "two", images=4, steps=12)


def go_on_with_two(command, logs):
    """Starts both workers again; the steps of the checkpoint are not done again."""
    statuses, texts = ends(workers.start(command, logs), logs, 250)
    assert statuses == [0, 0], texts[0][-2000:] + texts[1][-2000:]
    assert "continues after epoch 0 (step 4 of 6)" in texts[0]
    assert "epoch 2/2" in texts[0] and "epoch 2/2" not in texts[1]
    assert "step 4 of epoch 1" not in texts[0] + texts[1]


def assert_same_run(one, two, images, steps):
    """Compares checkpoints; gradients and what follows are sums over images, layers and steps."""
    tolerance = 1.2e-7 * images * 12 * steps
    with np.load(one / "checkpoint.npz") as first, np.load(two / "checkpoint.npz") as second:
        names = [name for name in first.files if name != "progress"]
        assert set(first.files) == set(second.files) and len(names) > 20
        for name in names:
            largest = np.abs(first[name]).max()
            np.testing.assert_allclose(
                second[name], first[name], rtol=0, atol=tolerance * largest, err_msg=name
            )
        histories = [json.loads(str(each["progress"]))["history"] for each in (first, second)]
    for row, other in zip(*histories, strict=True):
        assert {"loss", "val_pixels"} <= set(row) == set(other)
        del row["seconds"], other["seconds"]
        assert other == pytest.approx(row, rel=tolerance)
    assert sorted(path.name for path in one.iterdir()) == sorted(p.name for p in two.iterdir())


@pytest.mark.slow
def test_keras_still_needs_both_overrides(tmp_path):
    # Where this fails with a newer Keras, remove the override that it no longer needs.
    logs = tmp_path / "log"
    statuses, texts = ends(workers.start([keras_on_workers.__file__], logs), logs, 120)
    assert statuses == [0, 0], texts[0][-2000:]
    for text in texts:
        line = next(line for line in text.splitlines() if line.startswith("{"))
        assert json.loads(line) == {
            "BothOverrides": (1 + 9) / 2,  # the mean of the squares, over both workers
            "WithoutBuild": "ValueError",
            "WithoutLogs": "ValueError",
        }
