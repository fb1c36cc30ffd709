"""The load test, against a server that fails now and then."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import server_load

GOOD = {"status": 0, "landmarks": [[1.0, 2.0], [3.0, 4.0]]}


@pytest.fixture
def serve():
    """Starts a server that gives the answers, code and content, and then the last one for ever."""
    servers = []

    def start(*answers):
        left, lock = list(answers), threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    code, content = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(code)
                self.end_headers()
                self.wfile.write(content if code == 404 else json.dumps(content).encode())

            def log_message(self, *arguments):
                pass

        server = ThreadingHTTPServer(("localhost", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://localhost:{server.server_port}/?box=1,2,3,4"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def photograph(tmp_path):
    path = tmp_path / "photograph.jpg"
    path.write_bytes(b"content")
    return str(path)


def row(capsys):
    return [cell.strip() for cell in capsys.readouterr().out.splitlines()[2].split("|")[1:-1]]


def test_what_fails_is_sent_again_and_nothing_is_lost(serve, photograph, capsys):
    url = serve((200, GOOD), (500, {}), (200, GOOD), (404, b"no such path"), (200, GOOD))
    assert server_load.main([url, photograph, "--clients", "1", "--seconds", "1"]) == 0
    clients, answers, *_, again, lost = row(capsys)
    assert clients == "1" and int(answers) > 2
    assert (again, lost) == ("2", "0")


def test_another_answer_is_lost(serve, photograph, capsys):
    other = {"status": 0, "landmarks": [[1.0, 2.0], [3.0, 4.5]]}
    url = serve((200, GOOD), (200, other), (400, {"status": 3}), (200, GOOD))
    assert server_load.main([url, photograph, "--clients", "2", "--seconds", "0.3"]) == 1
    assert row(capsys)[-1] == "2"


def test_a_server_that_refuses_the_photograph_is_not_measured(serve, photograph):
    url = serve((400, {"status": 3, "message": "no photograph"}))
    with pytest.raises(SystemExit, match="no photograph"):
        server_load.main([url, photograph])


def test_a_server_that_is_not_there_is_not_measured(photograph):
    with pytest.raises(SystemExit, match="received None"):
        server_load.main(["http://localhost:1/", photograph])
