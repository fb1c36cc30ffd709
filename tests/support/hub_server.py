"""A server on this machine that answers as the Hugging Face Hub does, for one repository."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

#: The commit that the repository is at.
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def hub_server(name: str, folder: Path) -> Iterator[str]:
    """Serves a folder as the repository `name`; gives the server's address."""

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self._answer(with_content=False)

        def do_GET(self):
            self._answer(with_content=True)

        def log_message(self, *arguments):
            del arguments

        def _answer(self, with_content):
            path = self.path.split("?")[0]
            if path in (f"/api/models/{name}/revision/{at}" for at in ("main", COMMIT)):
                files = [{"rfilename": file.name} for file in sorted(folder.iterdir())]
                content = json.dumps({"id": name, "sha": COMMIT, "siblings": files}).encode()
                return self._send(content, "application/json", with_content)
            if path == f"/api/models/{name}/tree/{COMMIT}":
                tree = [
                    {
                        "type": "file",
                        "path": file.name,
                        "size": file.stat().st_size,
                        "oid": hashlib.sha1(file.read_bytes()).hexdigest(),
                    }
                    for file in sorted(folder.iterdir())
                ]
                return self._send(json.dumps(tree).encode(), "application/json", with_content)
            wanted = path.removeprefix(f"/{name}/resolve/{COMMIT}/")
            if "/" not in wanted and (folder / wanted).is_file():
                return self._send((folder / wanted).read_bytes(), "x/bytes", with_content)
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            return self.end_headers()

        def _send(self, content, kind, with_content):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
            self.end_headers()
            if with_content:
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
