"""How long does the page take for a face, in Chromium, with a network of each precision?

    pip install playwright
    python benchmarks/browser.py

Needs Chromium and npm. The camera is a video of the portrait that comes with the package, 640 x 480
at 60 frames per second. The network alone is timed as the median of 50 runs after warming up; the
frames per second are those that the page shows, over 10 seconds.
"""

import argparse
import contextlib
import functools
import http.server
import shutil
import statistics
import tempfile
import threading
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import sync_playwright

from keras_3dmmstn import Normaliser
from keras_3dmmstn.export.comparison_photographs import portrait_photographs
from keras_3dmmstn.export.mobile.tflite import PRECISIONS, tflite_card, tflite_model
from keras_3dmmstn.export.web.npm_packages import fetch_packages
from keras_3dmmstn.export.web.site import write_site

_PAGE = resources.files("keras_3dmmstn.export.web") / "page"
_READY = "html[data-ready], #status.problem"
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
_NETWORK_ALONE = """async () => {
  const { Model } = await import("./js/litert.js");
  const content = await (await fetch("models/network.tflite")).arrayBuffer();
  const model = await Model.compile(new Uint8Array(content));
  const input = new Float32Array(model.inputShape.reduce((one, other) => one * other)).fill(120);
  const times = [];
  for (let i = 0; i < 250; i++) {
    const began = performance.now();
    await model.run(input);
    times.push(performance.now() - began);
  }
  return times.slice(-50);
}"""


def main():
    """Prints a row for each precision and kind of mask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10, help="that the camera is watched")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("There is no Chromium: apt-get install chromium.")
    normaliser = Normaliser.pretrained()
    photographs = portrait_photographs(normaliser.image_size)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        with resources.as_file(_PAGE) as page:
            packages = fetch_packages(page, folder / "packages")
        video = _write_video(folder / "portrait.y4m")
        options = [*_OPTIONS, f"--use-file-for-fake-video-capture={video}"]
        print("precision  mask     one face, ms  frames a second: median (least to most)  ms each")
        for precision in PRECISIONS:
            for mask in ("normals", "depth"):
                kind = "ibug68", 1, mask
                model = tflite_model(normaliser, precision, photographs, *kind)
                card = tflite_card(normaliser, model, precision, *kind)
                site = folder / "site"
                write_site(site, model, card, normaliser.grid_model, packages=packages)
                browser = playwright.chromium.launch(executable_path=chromium, args=options)
                with _served(site) as address:
                    alone, rates, each = _measured(browser, address, arguments.seconds)
                browser.close()
                spread = f"{statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})"
                print(
                    f"{precision:9}  {mask:7}  {alone:12.1f}  {spread:40}  "
                    f"{statistics.median(each):.1f}",
                    flush=True,
                )


def _measured(browser, address, seconds):
    """Returns the median time of the network, frames a second, and milliseconds of each."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    page.wait_for_selector(_READY, timeout=60_000)
    alone = statistics.median(page.evaluate(_NETWORK_ALONE))
    page.click("#camera")
    page.wait_for_selector("#speed:has-text('frames/s')", timeout=60_000)
    page.wait_for_timeout(5_000)  # until WebAssembly is compiled for speed
    texts = []
    for _ in range(seconds):
        page.wait_for_timeout(1_000)
        texts.append(page.inner_text("#speed"))
    rates = [float(text.split(" frames/s")[0]) for text in texts]
    return alone, rates, [float(text.split(", ")[1].split(" ms")[0]) for text in texts]


def _write_video(path):
    """Writes what the camera sees: the portrait, which moves and turns."""
    portrait = cv2.imread(str(resources.files("keras_3dmmstn.assets") / "portrait.jpg"))
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F60:1 Ip A1:1 C420mpeg2\n")
        for phase in np.linspace(0, 2 * np.pi, 180, endpoint=False):
            move = cv2.getRotationMatrix2D((128, 128), 8 * np.sin(phase), 1.8)
            move[:, 2] += [192 + 60 * np.sin(phase), 112 + 20 * np.cos(phase)]
            frame = cv2.warpAffine(portrait, move, (640, 480), borderMode=cv2.BORDER_REPLICATE)
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())
    return path


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def _served(folder):
    """Serves the files of a folder, and gives the address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    main()
