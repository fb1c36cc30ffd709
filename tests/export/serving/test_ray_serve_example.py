"""The example for Ray Serve, with a real SavedModel; Ray itself is stood in for."""

import asyncio
import runpy
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from tests.support.paths import ROOT


class Request:
    """What the example reads of a request of starlette."""

    def __init__(self, body, **query):
        self.body, self.query_params = body, query

    async def stream(self):
        yield self.body[:10]
        yield self.body[10:]


@pytest.fixture(scope="module")
def example():
    def batch(**options):
        def decorate(method):
            async def single(self, file, box):
                return (await method(self, [file], [box]))[0]

            single.__wrapped__ = method
            return single

        return decorate

    def deployment(**options):
        def decorate(cls):
            cls.bind = classmethod(lambda cls, *arguments: (cls, arguments))
            return cls

        return decorate

    ray = SimpleNamespace(serve=SimpleNamespace(batch=batch, deployment=deployment))
    responses = SimpleNamespace(JSONResponse=lambda content, status=200: (status, content))
    modules = {
        "ray": ray,
        "starlette": SimpleNamespace(),
        "starlette.requests": SimpleNamespace(Request=Request),
        "starlette.responses": responses,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        yield runpy.run_path(str(ROOT / "examples" / "server" / "ray_serve_app.py"))


@pytest.fixture(scope="module")
def faces(example, small_version):
    return example["Faces"](str(small_version))


@pytest.fixture(scope="module")
def file():
    photograph = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    return cv2.imencode(".png", photograph)[1].tobytes()


def ask(faces, body, **query):
    return asyncio.run(faces(Request(body, **query)))


def test_a_photograph_is_answered_in_its_pixels(faces, file):
    code, answer = ask(faces, file, box="30,30,70,80")
    assert code == 200 and answer["status"] == 0 and answer["message"] == ""
    expected = faces.signature(
        encoded=faces.constant([file]), boxes=faces.constant([[30.0, 30, 70, 80]])
    )
    np.testing.assert_allclose(answer["landmarks"], expected["landmarks"][0], rtol=1e-6)
    np.testing.assert_allclose(answer["parameters"], expected["parameters"][0], rtol=1e-6)


def test_what_is_bad_is_said(faces, file):
    code, answer = ask(faces, file, box="900,900,990,990")
    assert code == 400 and answer["status"] == 11 and "within its photograph" in answer["message"]
    code, answer = ask(faces, b"no photograph", box="30,30,70,80")
    assert code == 400 and answer["status"] == 3 and "JPEG or PNG" in answer["message"]
    for box in ("30,30,70", "30,x,70,80", ""):
        code, answer = ask(faces, file, box=box)
        assert code == 400 and answer["message"].endswith(f"received {box!r}.")
    code, answer = ask(faces, file)
    assert code == 400 and answer["message"].endswith("received ''.")


def test_a_body_that_is_too_large_is_not_read_to_its_end(faces, file, monkeypatch):
    monkeypatch.setitem(type(faces).__call__.__globals__, "LARGEST_BODY", 5)
    code, answer = ask(faces, file, box="30,30,70,80")
    assert code == 413 and "at most 5 bytes" in answer["message"]


def test_a_copy_that_does_not_answer_is_not_well(faces, monkeypatch):
    faces.check_health()
    monkeypatch.setattr(faces, "black", b"")
    with pytest.raises(RuntimeError, match="expected JPEG or PNG"):
        faces.check_health()


def test_a_number_of_no_float32_does_not_fail_the_others(faces, file):
    boxes = [[30.0, 30, 70, 80], [0, 0, 1e39, 1e39], [0, 0, -1e300, 5]]
    good, *bad = asyncio.run(faces.answer.__wrapped__(faces, [file] * 3, boxes))
    assert good["status"] == 0 and len(good["landmarks"]) == 68
    assert [answer["status"] for answer in bad] == [3, 3]


def test_a_client_that_sends_nothing_more_is_given_up(example, faces):
    class Stalled(Request):
        async def stream(self):
            yield self.body
            await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(type(faces).__call__.__globals__, "LONGEST_WAIT", 0)
        code, answer = asyncio.run(faces(Stalled(b"", box="30,30,70,80")))
    assert code == 408 and answer["status"] == 4 and "within 0 seconds" in answer["message"]
