"""A folder that one process writes to at a time."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_3dmmstn.folder_lock import LOCK_FILE, FolderInUseError, folder_in_use

HOLD = """
import sys, time
from keras_3dmmstn.folder_lock import folder_in_use
with folder_in_use(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has the folder."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_has_the_folder(holder, tmp_path):
    with pytest.raises(FolderInUseError) as raised, folder_in_use(tmp_path / "run"):
        pass
    message = str(raised.value)
    assert f"process {holder.pid} on {socket.gethostname()}" in message and "run: exp" in message


def test_a_lock_whose_file_says_nonsense_is_held_all_the_same(tmp_path):
    with folder_in_use(tmp_path) as lock:
        lock.truncate(0)
        lock.write(100_000 * "[")
        lock.flush()
        with pytest.raises(FolderInUseError, match="another process is"), folder_in_use(tmp_path):
            pass


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_process_that_is_killed_lets_go(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "run" / LOCK_FILE).exists()  # its file is left, and means nothing
    with folder_in_use(tmp_path / "run"):
        assert str(os.getpid()) in (tmp_path / "run" / LOCK_FILE).read_text()
    assert not (tmp_path / "run" / LOCK_FILE).exists()


def test_nothing_is_left_afterwards_whatever_happens(tmp_path):
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), folder_in_use(tmp_path):
            raise error
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_made_for_nothing_is_removed_again(tmp_path):
    with folder_in_use(tmp_path / "a" / "b"):
        pass
    assert list(tmp_path.iterdir()) == []
    with folder_in_use(tmp_path / "a" / "b"):
        (tmp_path / "a" / "kept.txt").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["kept.txt"]


def test_the_same_process_is_refused_too(tmp_path):
    with folder_in_use(tmp_path):
        again = folder_in_use(tmp_path)
        with pytest.raises(FolderInUseError, match=f"process {os.getpid()} "), again:
            pass
        assert (tmp_path / LOCK_FILE).exists()
    with folder_in_use(tmp_path):
        pass


def test_of_many_processes_one_has_the_folder_at_a_time(tmp_path):
    program = """
import sys, time
from pathlib import Path
from keras_3dmmstn.folder_lock import FolderInUseError, folder_in_use
folder, count = Path(sys.argv[1]), 0
end = time.monotonic() + 2
while time.monotonic() < end:
    try:
        with folder_in_use(folder):
            (folder / "alone").touch(exist_ok=False)
            (folder / "alone").unlink()
            count += 1
    except FolderInUseError:
        pass
print(count)
"""
    runs = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    started = time.monotonic()
    counts = [int(run.communicate(timeout=120)[0]) for run in runs]
    assert all(run.returncode == 0 for run in runs), time.monotonic() - started
    assert sum(counts) > 100 and list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_names_the_file(tmp_path):
    (tmp_path / LOCK_FILE).symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"\.in_use\.json") as raised, folder_in_use(tmp_path):
        pass
    assert raised.value.filename == str(tmp_path / LOCK_FILE)
    assert not list(tmp_path.iterdir())
