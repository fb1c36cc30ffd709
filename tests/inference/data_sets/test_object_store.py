"""A data set in an object store, and its results there: a server of this machine."""

import socket
import subprocess
import sys
import time

import pytest

from keras_3dmmstn.inference.data_sets import normalise_data_set, read_normalised
from keras_3dmmstn.inference.data_sets.job import Job
from tests.support.data_sets import plain_face, write_photographs

pytest.importorskip("moto.server", reason='no S3 server to test with: pip install "moto[server]"')
fs = pytest.importorskip("pyarrow.fs")


@pytest.fixture(scope="module")
def server():
    """The address of an S3 server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.2)
        yield f"127.0.0.1:{port}"
        process.terminate()


@pytest.fixture
def store(server, monkeypatch):
    """A function from the path of a folder in a store to its URL; there is a bucket `bucket`."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "name")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "password")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    options = f"endpoint_override={server}&scheme=http&region=us-east-1"
    files, _ = fs.FileSystem.from_uri(f"s3://bucket?{options}&allow_bucket_creation=true")
    files.create_dir("bucket")
    return lambda path: f"s3://{path}?{options}"


@pytest.mark.parametrize("format_name", ["parquet", "tfrecord"])
def test_photographs_and_results_may_lie_in_a_store(format_name, store, tmp_path, monkeypatch):
    monkeypatch.setattr(Job, "normaliser", lambda self: lambda image, boxes: [plain_face()])
    monkeypatch.setattr(Job, "texture_shape", lambda self: (5, 4))
    folder = f"bucket/{format_name}"
    files, _ = fs.FileSystem.from_uri(store(folder))
    photographs = write_photographs(tmp_path / "in", 5)
    (photographs / "3.jpg").write_bytes(b"words")
    fs.copy_files(str(photographs), f"{folder}/in", destination_filesystem=files)
    options = {"engine": "here", "shard_size": 2, "format": format_name}

    def stop(progress):
        if progress.shards_done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        normalise_data_set(store(f"{folder}/in"), store(f"{folder}/out"), progress=stop, **options)
    with pytest.raises(ValueError, match=f"^s3://{folder}/out: expected a finished data set"):
        read_normalised(store(f"{folder}/out"))
    seen = []
    manifest = normalise_data_set(
        store(f"{folder}/in"), store(f"{folder}/out"), progress=seen.append, **options
    )
    assert [progress.photographs_done for progress in seen] == [2, 4, 5]
    assert (manifest["photographs"], manifest["faces"], manifest["failed"]) == (5, 4, 1)
    assert manifest["settings"]["source"] == f"s3://{folder}/in"
    faces = read_normalised(store(f"{folder}/out"))
    assert [int(face["photograph"]) for face in faces] == [0, 1, 2, 4]
    with files.open_input_file(f"{folder}/out/failures.csv") as file:
        assert b"3.jpg" in file.read()


def test_a_store_that_is_not_there_is_an_error(store, tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        normalise_data_set(store("nowhere/in"), tmp_path / "out", engine="here")
