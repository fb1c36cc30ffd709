"""A browser for the page's tests, the files of its packages, and a server of files."""

import contextlib
import functools
import http.server
import json
import shutil
import threading
from importlib import resources
from pathlib import Path

import pytest

from keras_3dmmstn.export.web.npm_packages import FILES

PAGE = Path(str(resources.files("keras_3dmmstn.export.web") / "page"))

#: No window, no graphics processor, and nothing that asks the network.
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium():
    """Returns the path of Chromium; the test is skipped where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return pytest.skip("needs Chromium: apt-get install chromium")


@contextlib.contextmanager
def opened_browser(playwright, *options, without=()):
    """Gives a browser with further options, and without some."""
    arguments = [*(option for option in OPTIONS if option not in without), *options]
    browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
    try:
        yield browser
    finally:
        browser.close()


@contextlib.contextmanager
def served(folder):
    """Gives the address at which the files of a folder are served."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def write_packages(folder):
    """Writes a folder `node_modules` with files that have the names of those of the packages."""
    wanted = json.loads((PAGE / "package.json").read_text())["dependencies"]
    for name, version in wanted.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "package.json").write_text(json.dumps({"version": version}))
    for source in FILES:
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        (folder / source).write_text(source)
    return folder
