"""Timing against a clock that the calls themselves move."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import recording
import timing


@pytest.fixture
def clock(monkeypatch):
    """A clock in seconds that stands still until a call moves it."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def taking(clock, *milliseconds, log=None, name=""):
    """A call that takes so long, one time after the other and then again from the first."""
    count = 0

    def call():
        nonlocal count
        clock.now += milliseconds[count % len(milliseconds)] / 1e3
        count += 1
        if log is not None:
            log.append(name)

    return call


def test_every_call_gets_its_own_time(clock):
    samples = timing.interleaved({"a": taking(clock, 2), "b": taking(clock, 5)}, seconds=0.07)
    np.testing.assert_allclose(samples["a"], [2] * 10)
    np.testing.assert_allclose(samples["b"], [5] * 10)


def test_another_clock_times_the_calls(clock):
    samples = timing.interleaved({"a": taking(clock, 2)}, seconds=0.01, clock=lambda: 3 * clock.now)
    np.testing.assert_allclose(samples["a"], 6)


def test_calls_take_turns_and_each_is_the_first_of_a_round(clock):
    log = []
    calls = {name: taking(clock, 1, log=log, name=name) for name in "abc"}
    timing.interleaved(calls, seconds=0, warm_up=0)
    assert "".join(log) == "abcbcacababcbca"


def test_the_warm_up_is_not_timed(clock):
    compiling = taking(clock, 1000, 1, 1, 1, 1, 1, 1, 1)
    samples = timing.interleaved({"a": compiling}, seconds=0, warm_up=1)
    np.testing.assert_allclose(samples["a"], [1] * timing.FEWEST_ROUNDS)


def test_slow_calls_are_warmed_up_once(clock):
    log = []
    timing.interleaved({"a": taking(clock, 9000, log=log)}, seconds=1, warm_up=3)
    assert len(log) == 1 + timing.FEWEST_ROUNDS


def test_quick_calls_end_after_so_many_rounds(clock):
    samples = timing.interleaved({"a": taking(clock, 0.001)}, seconds=100)
    assert len(samples["a"]) == timing.MOST_ROUNDS


def test_times_are_described_by_quartiles():
    described = timing.described(np.array([5.0, 1.0, 3.0, 2.0, 4.0]))
    assert described == {"median_ms": 3.0, "smallest_ms": 1.0, "iqr_ms": 2.0}


def test_a_ratio_is_that_of_the_rounds():
    # The second round was disturbed for both: the ratio of the medians would be 2 / 1.
    ours, peer = np.array([1.0, 20.0, 2.0]), np.array([1.0, 20.0, 1.0])
    assert timing.ratio(ours, peer) == {"median": 1.0, "quartiles": [1.0, 1.5]}


def test_a_peer_of_a_kind_is_compared_with_ours_of_that_kind():
    ours = ["graph", "XLA"]
    assert timing.is_comparable("XLA", "autodiff, XLA", ours)
    assert not timing.is_comparable("graph", "autodiff, XLA", ours)
    assert timing.is_comparable("graph", "torch", ours)
    assert timing.is_comparable("graph", "a batch, sorted", ours)


def test_a_run_is_written_with_where_it_ran(clock, tmp_path, capsys):
    run = timing.Run("Something", threads=2, out=tmp_path / "new" / "something.json")
    run.compare("adding", {"ours": taking(clock, 3)}, {"theirs": taking(clock, 6)}, batch=4)
    run.write()
    record = json.loads(run.out.read_text())
    assert record["title"] == "Something" and record["quick"] is False
    (comparison,) = record["comparisons"]
    assert comparison["name"] == "adding" and comparison["size"] == {"batch": 4}
    assert comparison["times"]["ours"]["median_ms"] == 3
    assert comparison["ratios"] == [
        {"ours": "ours", "peer": "theirs", "median": 0.5, "quartiles": [0.5, 0.5]}
    ]
    where = record["environment"]
    assert where["threads"] == 2 and where["device"]["cores"] >= 1
    assert {"tensorflow", "keras", "numpy"} <= set(where["versions"])
    assert where["commit"] == "unknown" or len(where["commit"]) == 40
    assert "0.50 of theirs" in capsys.readouterr().out


def test_a_quick_run_takes_a_fifth_of_the_time(clock, tmp_path):
    run = timing.Run("Something", threads=2, out=tmp_path / "something.json", quick=True)
    run.compare("adding", {"ours": taking(clock, 10)}, seconds=1)
    assert run.comparisons[0]["rounds"] == 20


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """Other folders for results: those that are committed, and the scratch folder."""
    folders = tmp_path / "committed", tmp_path / "scratch"
    monkeypatch.setattr(recording, "RECORDED", folders[0])
    monkeypatch.setattr(recording, "UNRECORDED", folders[1])
    return folders


def test_the_command_line_says_how_to_run(monkeypatch, folders):
    set_to = []
    monkeypatch.setattr(timing, "set_threads", set_to.append)
    monkeypatch.setattr(sys, "argv", ["x.py", "--threads", "3", "--quick", "folder"])
    run = timing.Run.from_command_line("Title\n\nMore.", "/some/x.py", folders={"nargs": "*"})
    assert set_to == [3] and run.quick and run.title == "Title"
    assert run.arguments.folders == ["folder"]


def test_committed_results_are_overwritten_only_on_demand(monkeypatch, folders):
    committed, scratch = folders
    monkeypatch.setattr(timing, "set_threads", lambda threads: None)
    asked_for = {
        (): scratch / "suite/x.json",
        ("--record",): committed / "suite/x.json",
        ("--out", "y.json"): Path("y.json"),
    }
    for options, path in asked_for.items():
        monkeypatch.setattr(sys, "argv", ["x.py", *options])
        assert timing.Run.from_command_line("Title", "/some/x.py").out == path
    assert not list(committed.rglob("*.json"))
