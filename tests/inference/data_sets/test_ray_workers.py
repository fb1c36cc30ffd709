"""Workers on Ray, which dies as little as it can, in processes of their own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from keras_3dmmstn.inference.data_sets import normalise_data_set, ray_workers, read_normalised
from tests.support.data_sets import write_photographs
from tests.support.paths import ROOT

needs_ray = pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", "import ray.data"], capture_output=True).returncode != 0,
    reason='Ray is not installed: pip install "keras-3dmmstn[ray]"',
)


def command(source, out, *more):
    words = ["normalise", source, "--out", out, "--engine", "ray", "--format", "tfrecord", *more]
    return [sys.executable, "-m", "keras_3dmmstn", *map(str, words)]


def in_process(source, out, *more, **options):
    """Runs the command in a process of its own, whose folder and Ray are gone afterwards."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command(source, out, *more), capture_output=True, text=True, env=environment, **options
    )


def numbers(folder):
    return [int(face["photograph"]) for face in read_normalised(folder)]


def test_without_ray_the_engine_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r'pip install "keras-3dmmstn\[ray\]"'):
        normalise_data_set(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "head:port", ":6379"])
def test_another_address_is_refused(address):
    with pytest.raises(ValueError, match="Expected HOST:PORT of the head of a Ray cluster"):
        ray_workers._check_answers(address)


def test_a_cluster_that_is_not_there_is_an_error():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ConnectionError, match=f"Ray cluster at {address}, but none answers"):
        ray_workers._check_answers(address)


@needs_ray
def test_something_else_at_the_address_is_an_error_within_bounded_time(monkeypatch):
    monkeypatch.setattr(ray_workers, "_ANSWER_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=r"none answers within 2 s\."):
            ray_workers._check_answers(address)


def test_the_reason_why_ray_does_not_connect_is_told(monkeypatch):
    monkeypatch.setattr(ray_workers, "_CONNECT", "raise RuntimeError('another version')")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ConnectionError, match="none answers: RuntimeError: another version"):
            ray_workers._check_answers(address)


def test_a_cluster_that_asks_for_a_token_says_so(monkeypatch):
    monkeypatch.setattr(ray_workers, "_CONNECT", "raise RuntimeError('InvalidAuthToken')")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ConnectionError, match="asks for its token: set RAY_AUTH_MODE=token"):
            ray_workers._check_answers(address)


def test_the_environment_names_a_cluster(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert ray_workers._cluster(None) is None and ray_workers._cluster("a:1") == "a:1"
    monkeypatch.setenv("RAY_ADDRESS", "b:1")
    assert ray_workers._cluster(None) == "b:1" and ray_workers._cluster("local") is None


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device", "/out/a"), OSError("words"), ValueError("damaged")],
)
def test_what_goes_wrong_in_a_worker_goes_wrong_in_the_driver(error, monkeypatch, tmp_path):
    def fail(*_):
        raise error

    monkeypatch.setattr(ray_workers, "normalise_shard", fail)
    worker = ray_workers.ShardWorker(ray_workers.Job("in", str(tmp_path)))
    worker._normaliser = object()
    row = {name: column[0] for name, column in worker({"shard": [3]}).items()}
    assert row["shard"] == 3
    with pytest.raises(type(error)) as raised:
        ray_workers._raise_problem(row)
    assert str(raised.value) == str(error)


@needs_ray
@pytest.mark.slow
def test_workers_do_what_one_process_does(tmp_path):
    photographs = write_photographs(tmp_path / "in", 4)
    (photographs / "2.jpg").write_bytes(b"words")
    ran = in_process(photographs, tmp_path / "out", "--workers", 2, "--shard-size", 1)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [f"{tmp_path / 'out'}: 4 photographs, 3 faces, 1 failed"]
    assert ran.stderr.splitlines() == [f"failures.csv in {tmp_path / 'out'} says which, and why."]
    assert numbers(tmp_path / "out") == [0, 1, 3]
    options = {"engine": "here", "format": "tfrecord", "shard_size": 1}
    normalise_data_set(photographs, tmp_path / "here", **options)
    for name in ("faces/000000.tfrecord", "failures.csv", "manifest.json"):
        here, there = ((tmp_path / out / name).read_bytes() for out in ("here", "out"))
        assert here == there, name


# A detector that ends its process at a photograph of one colour, as a crash in a decoder does.
_DEADLY = """
import os, cv2
decode = cv2.imdecode
def imdecode(data, flags):
    image = decode(data, flags)
    if image is not None and (image == image[:1, :1]).all():
        os.kill(os.getpid(), 9)
    return image
cv2.imdecode = imdecode
"""


@needs_ray
@pytest.mark.slow
def test_a_photograph_that_kills_its_workers_is_a_failure(tmp_path):
    import cv2
    import numpy as np

    photographs = write_photographs(tmp_path / "in", 3)
    cv2.imwrite(str(photographs / "1.jpg"), np.full((40, 40, 3), 128, np.uint8))
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(_DEADLY)
    path = os.pathsep.join((str(tmp_path / "site"), str(ROOT)))
    ran = subprocess.run(
        command(photographs, tmp_path / "out", "--workers", 1),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    assert numbers(tmp_path / "out") == [0, 2]
    assert "1.jpg" in (tmp_path / "out/failures.csv").read_text()


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_run_and_the_next_one_goes_on(number, status, tmp_path):
    photographs = write_photographs(tmp_path / "in", 300)
    process = subprocess.Popen(
        command(photographs, tmp_path / "out", "--workers", 1, "--shard-size", 5),
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    while process.poll() is None and not (tmp_path / "out/done").exists():
        time.sleep(0.1)
    process.send_signal(number)
    _, told = process.communicate()
    watchdog.cancel()
    assert process.returncode == status, told
    assert told == "Stopped. Repeat the command to go on after the last shard that is done.\n"
    again = in_process(photographs, tmp_path / "out", "--workers", 1, "--shard-size", 5)
    assert again.returncode == 0, again.stderr
    assert numbers(tmp_path / "out") == list(range(300))
    assert not list(tmp_path.rglob("*.tmp*"))
