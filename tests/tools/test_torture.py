"""The campaign of kills finds what it looks for."""

import importlib.util
import sys

import pytest

from tests.support.paths import ROOT

_HALF = """
import pathlib, sys, time
out = pathlib.Path(sys.argv[1])
with (out / "result.json").open("w") as file:
    file.write('{"half": ')
    file.flush()
    time.sleep(1.4)
    file.write("1}")
time.sleep(0.1)
"""
_LEFT_OVER = """
import os, pathlib, sys, time
out = pathlib.Path(sys.argv[1])
aside = out / f".{os.getpid()}.tmp"
aside.write_text('{"whole": 1}')
time.sleep(1.4)
aside.replace(out / "result.json")
time.sleep(0.1)
"""
_WHOLE = _LEFT_OVER.replace('f".{os.getpid()}.tmp"', '".result.tmp"')
_OTHER = _WHOLE.replace("aside.write_text(", "starts = aside.exists(); aside.write_text(").replace(
    "'{\"whole\": 1}'", "str(int(starts))"
)


class InTheMiddle:
    """Chance that always falls in the middle of a run, when the scripts have begun to write."""

    def uniform(self, low, high):
        return (low + high) / 2


@pytest.fixture(scope="module")
def torture():
    spec = importlib.util.spec_from_file_location("torture", ROOT / "tools/torture.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["torture"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (_HALF, "broken: result.json (JSONDecodeError)"),
        (_LEFT_OVER, "left over: ."),
        (_OTHER, "different: result.json"),
        (_WHOLE, "equal, nothing left over"),
    ],
    ids=["half a file", "left over", "another result", "whole"],
)
def test_what_kills_leave_is_found(torture, monkeypatch, tmp_path, script, expected):
    path = tmp_path / "command.py"
    path.write_text(script)
    monkeypatch.setattr(torture, "_COMMAND", (sys.executable, str(path)))
    job = torture.Job("job", "{out}")
    _, findings = torture.torture(job, tmp_path, tmp_path, 2, InTheMiddle())
    assert findings.kills == 2
    assert str(findings).startswith(expected)
    assert bool(findings) == (expected[0] != "e")
