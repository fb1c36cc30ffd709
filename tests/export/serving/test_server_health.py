import itertools
import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from keras_3dmmstn.export.serving import server_health
from keras_3dmmstn.export.serving.server_health import health_by_grpc, health_by_rest
from keras_3dmmstn.export.serving.serving_client import ServingError
from tests.support.model_servers import rest_server, state_server

SERVED = [(1, "UNLOADING", ""), (3, "AVAILABLE", ""), (2, "AVAILABLE", "")]
NO_MODEL_SERVICE = None


@pytest.mark.parametrize("health", [None, 1])
def test_the_versions_that_are_served_are_named(health):
    with state_server(SERVED, health) as address:
        assert health_by_grpc(address) == [2, 3]


@pytest.mark.parametrize(("health", "name"), [(2, "NOT_SERVING"), (0, "UNKNOWN"), (9, "9")])
def test_a_server_that_is_not_well_says_so(health, name):
    with (
        state_server(SERVED, health) as address,
        pytest.raises(ServingError, match=f"{address}: expected.*SERVING, received {name}"),
    ):
        health_by_grpc(address)


def test_a_model_that_did_not_load_is_named_with_its_error():
    states = [(4, "END", "out of memory"), (5, "LOADING", "")]
    with (
        state_server(states) as address,
        pytest.raises(ServingError, match="received 4 END out of memory, 5 LOADING"),
    ):
        health_by_grpc(address)


def test_both_questions_have_to_be_answered_within_the_time(monkeypatch):
    clock = itertools.count(0, 3)  # three seconds between one look at it and the next
    monkeypatch.setattr(server_health, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    asked = []
    monkeypatch.setattr(server_health, "_asked", lambda *arguments: asked.append(arguments[-1]))
    pytest.importorskip("tensorflow_serving", reason="the extra `serving` is not installed")
    with pytest.raises(ServingError, match="UNIMPLEMENTED from both"):
        health_by_grpc("localhost:1", timeout=5)
    assert asked == [5, 2]


def test_a_model_without_versions_is_not_served():
    with state_server([]) as address, pytest.raises(ServingError, match="received no versions"):
        health_by_grpc(address)


def test_a_model_that_the_server_has_not_is_said():
    with state_server(SERVED) as address, pytest.raises(ServingError, match="NOT_FOUND"):
        health_by_grpc(address, model="other")


def test_a_server_of_another_kind_is_well_if_it_says_so():
    with state_server(NO_MODEL_SERVICE, health=1) as address:
        assert health_by_grpc(address) == []
    with (
        state_server(NO_MODEL_SERVICE) as address,
        pytest.raises(ServingError, match="UNIMPLEMENTED from both"),
    ):
        health_by_grpc(address)


@pytest.fixture
def silent():
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("localhost", 0)) as server:
        yield f"localhost:{server.getsockname()[1]}"


def test_a_server_that_does_not_answer_is_given_up(silent):
    pytest.importorskip("tensorflow_serving", reason="the extra `serving` is not installed")
    with pytest.raises(ServingError, match=f"{silent}: (DEADLINE_EXCEEDED|UNAVAILABLE)"):
        health_by_grpc(silent, timeout=0.5)
    with pytest.raises(ServingError, match=f"{silent}: timed out"):
        health_by_rest(f"http://{silent}", timeout=0.5)


def test_rest_says_the_same():
    with rest_server({}) as address:
        assert health_by_rest(address) == [1]
        with pytest.raises(ServingError, match="404"):
            health_by_rest(address, model="other")


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"{}", json.dumps({"status": 1}).encode()])
def test_an_answer_of_another_server_is_refused(answer):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *arguments):
            pass

    with HTTPServer(("localhost", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(ServingError, match="another answer"):
            health_by_rest(f"http://localhost:{server.server_port}")


def test_without_the_extra_the_pip_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(ImportError, match=r"pip install .keras-3dmmstn\[serving\]"):
        health_by_grpc("localhost:1")
