"""The Python of docs/export.md runs."""

import re

import pytest

from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "export.md").read_text()


@pytest.mark.slow
def test_the_formats_from_python(tmp_path, monkeypatch):
    pytest.importorskip("tf2onnx", reason="the extra `export` is not installed")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(block, {})
    exported = tmp_path / "exported"
    names = sorted(str(path.relative_to(exported)) for path in exported.iterdir())
    assert names == ["face", "face.json", "face.onnx", "face.tflite"]
    assert (exported / "face" / "1" / "saved_model.pb").exists()
    # What the page says of sizes, in MB.
    for file, size in {"face.onnx": 8.6, "face.tflite": 2.0}.items():
        assert (exported / file).stat().st_size / 1e6 == pytest.approx(size, abs=0.05)
