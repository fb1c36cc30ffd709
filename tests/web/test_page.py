"""The page in a real browser, beside the Python of the same."""

import base64
import contextlib
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_3dmmstn import Normaliser
from keras_3dmmstn.export.mobile.tflite import tflite_card, tflite_model
from keras_3dmmstn.export.web.npm_packages import fetch_packages
from keras_3dmmstn.export.web.site import write_site
from keras_3dmmstn.export.web.surface_file import surface_file
from keras_3dmmstn.inference.detection.search import Search
from keras_3dmmstn.inference.fitted_faces import FaceGeometry
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support.browsers import PAGE, chromium, opened_browser, served
from tests.support.paths import ROOT

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = pytest.mark.slow

PORTRAIT = ROOT / "keras_3dmmstn" / "assets" / "portrait.jpg"
BOX = [88.0, 87.0, 181.0, 179.0]
READY = "html[data-ready], #status.problem"
#: Where pictures of the page are kept for people to look at.
SCREENSHOTS = os.environ.get("KERAS_3DMMSTN_SCREENSHOTS")

# What a face on the page is; its long arrays as base64.
FACE = """face => {
  const packed = array => {
    let text = "";
    for (const byte of new Uint8Array(array.buffer)) text += String.fromCharCode(byte);
    return btoa(text);
  };
  return {
    landmarks: [...face.landmarks], confidence: face.confidence, roll: face.roll,
    vertices: packed(face.vertices), texture: packed(face.texture), mask: packed(face.mask),
    sides: [face.rows, face.columns],
  };
}"""


@pytest.fixture(scope="module")
def normaliser():
    return Normaliser.pretrained(visibility="normals", texture_size=448)


@pytest.fixture(scope="module")
def site(normaliser, tmp_path_factory):
    """A site with the bundled weights in float32; npm fetches its packages."""
    chromium()
    if shutil.which("npm") is None:
        pytest.skip("needs npm (Node.js)")
    folder = tmp_path_factory.mktemp("web")
    try:
        packages = fetch_packages(PAGE, folder / "packages")
    except OSError as error:
        pytest.skip(f"needs the page's packages: {error}")
    options = ("ibug68", 1, "normals")
    model = tflite_model(normaliser, "float32", (), *options)
    card = tflite_card(normaliser, model, "float32", *options)
    return write_site(folder / "site", model, card, normaliser.grid_model, packages=packages)


@pytest.fixture(scope="module")
def address(site):
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def playwright():
    with sync_api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A file of what the camera sees: the portrait, which moves and turns."""
    portrait = cv2.imread(str(PORTRAIT))
    path = tmp_path_factory.mktemp("camera") / "portrait.y4m"
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F60:1 Ip A1:1 C420mpeg2\n")
        for phase in np.linspace(0, 2 * np.pi, 60, endpoint=False):
            move = cv2.getRotationMatrix2D((128, 128), 8 * np.sin(phase), 1.8)
            move[:, 2] += [192 + 60 * np.sin(phase), 112 + 20 * np.cos(phase)]
            frame = cv2.warpAffine(portrait, move, (640, 480), borderMode=cv2.BORDER_REPLICATE)
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())
    return path


@pytest.fixture(scope="module")
def browser(playwright, video):
    """A browser whose camera is the video."""
    with opened_browser(
        playwright,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    ) as browser:
        yield browser


@contextlib.contextmanager
def opened_page(browser, address):
    """Gives the page, ready; it must not fail with an error of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    opened(page, address)
    yield page
    context.close()
    assert not errors


@pytest.fixture(scope="module")
def one_page(browser, address):
    with opened_page(browser, address) as page:
        yield page


@pytest.fixture
def page(one_page):
    """The page, the same one for all tests, since it takes seconds to open."""
    one_page.evaluate(
        "() => { faces.length = 0; document.getElementById('status').className = ''; }"
    )
    return one_page


@pytest.fixture
def new_page(browser, address):
    with opened_page(browser, address) as page:
        yield page


def opened(page, address):
    """Opens the page and keeps the faces that it tells of."""
    page.goto(address)
    page.wait_for_selector(READY, timeout=60_000)
    page.evaluate(
        "() => { window.faces = []; document.addEventListener('face', e => faces.push(e.detail)); }"
    )


def shown_face(page):
    """The last face that the page showed, once there is one."""
    for _ in range(600):
        # The page's policy forbids Playwright to wait for an expression in it.
        if page.evaluate(
            "() => faces.length || document.querySelector('#status.problem') !== null"
        ):
            break
        page.wait_for_timeout(100)
    assert page.get_attribute("#status", "class") != "problem", page.inner_text("#status")
    return page.evaluate(f"() => ({FACE})(faces.at(-1))")


def problem(page):
    """What the page says went wrong."""
    page.wait_for_selector("#status.problem", timeout=60_000)
    return page.inner_text("#status")


def picture_file(name, image):
    content = cv2.imencode(Path(name).suffix, image)[1].tobytes()
    return {"name": name, "mimeType": f"image/{Path(name).suffix[1:]}", "buffer": content}


def keep_picture(page, name):
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{SCREENSHOTS}/{name}.png", full_page=True)


def unpacked(text, dtype, *shape):
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)


def distances(face, expected):
    return np.linalg.norm(np.reshape(face["landmarks"], (-1, 2)) - expected, axis=1)


def test_landmarks_are_those_of_python(page, normaliser):
    page.set_input_files("#file", PORTRAIT)
    face, (expected,) = shown_face(page), normaliser(PORTRAIT)
    keep_picture(page, "light")
    # Both search with their own networks: another anchor may be best, which moves the crop.
    assert distances(face, expected.landmarks("ibug68")).max() < 0.5
    assert face["confidence"] == pytest.approx(expected.confidence, abs=0.01)
    assert "float32" in page.inner_text("#runs-on")


def test_a_face_in_the_same_crop_is_that_of_python(page, normaliser):
    code = f"""async ({{box, address}}) => {{
      const [{{Normaliser}}, {{drawPicture}}, {{cropMatrix}}] = await Promise.all(
        ["normaliser", "picture", "framing"].map(name => import(`./js/${{name}}.js`)));
      const normaliser = await Normaliser.load(new URL("./", location.href));
      const photograph = await (await fetch("example.jpg")).blob();
      const picture = await drawPicture(photograph, "it", document.createElement("canvas"));
      const face = await normaliser.network.see(picture, cropMatrix(box, 224, 0.1));
      return ({FACE})(normaliser.described(face, picture, 448));
    }}"""
    face = page.evaluate(code, {"box": BOX})
    photograph = read_photograph(PORTRAIT)
    faces = normaliser._framed(photograph, photograph, [BOX], [0.1])
    fitted = normaliser._fitter.fit(faces.crops([photograph], 224))
    (expected,) = normaliser._fitter.describe([photograph], faces, fitted, 448)
    # OpenCV places pixels to 1/32: crops differ by a level, points by hundredths of a pixel.
    assert distances(face, expected.landmarks("ibug68")).max() < 0.1
    vertices = unpacked(face["vertices"], np.float32, -1, 3)
    # The basis is reduced to 48 patterns along rows and columns.
    assert np.linalg.norm(vertices - expected.vertices, axis=1).mean() < 0.1
    mask = unpacked(face["mask"], np.uint8, 448, 448) > 0
    assert (mask != expected.mask).mean() < 0.01
    texture = unpacked(face["texture"], np.uint8, 448, 448, 3)
    both = mask & expected.mask
    assert np.abs(texture[both].astype(float) - expected.texture[both]).mean() < 1


def searched(page, image, method="search"):
    """The places, or with "find" the faces, that the page's detector finds in a BGR picture."""
    code = """async ([content, method]) => {
      const [{Normaliser}, {drawPicture}] = await Promise.all(
        ["normaliser", "picture"].map(name => import(`./js/${name}.js`)));
      window.normaliser ??= await Normaliser.load(new URL("./", location.href));
      const bytes = Uint8Array.from(atob(content), c => c.charCodeAt(0));
      const picture = await drawPicture(new Blob([bytes]), "it", document.createElement("canvas"));
      return normaliser.detector[method](picture);
    }"""
    content = base64.b64encode(cv2.imencode(".png", image)[1].tobytes()).decode()
    return page.evaluate(code, [content, method])


# Smaller than what is searched, at its size, larger in one direction, and so large that it is
# searched twice; 704 would be searched at 544 pixels if halves were rounded up.
@pytest.mark.parametrize("size", [(120, 90), (256, 256), (704, 300), (300, 1500), (1400, 1300)])
def test_places_of_the_search_are_those_of_python(page, size):
    portrait = cv2.imread(str(PORTRAIT))
    shown = cv2.resize(portrait, None, fx=(zoom := min(size) / 256), fy=zoom)
    width, height = size
    right, below = width - shown.shape[1], height - shown.shape[0]
    image = cv2.copyMakeBorder(shown, 0, below, 0, right, cv2.BORDER_REFLECT_101)
    # Of upright faces: the mirrored ones below are seen less surely.
    scores = [place["score"] for place in searched(page, image) if place["score"] > 0.9]
    expected = Search(32, 1)(np.ascontiguousarray(image[..., ::-1]), 0.9)
    assert scores
    # Levels of what is searched differ by one here and there.
    np.testing.assert_allclose(np.sort(scores)[::-1], expected.scores, atol=2e-3)


def test_small_places_are_seen_closer_as_by_python(page):
    small = cv2.resize(
        cv2.imread(str(PORTRAIT)), None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA
    )
    image = np.full((480, 640, 3), 90, np.uint8)
    image[200 : 200 + small.shape[0], 300 : 300 + small.shape[1]] = small
    (expected,) = Search(32, 1)(np.ascontiguousarray(image[..., ::-1]), 0.06).boxes
    (place,) = searched(page, image)
    assert place["score"] > 0.88  # where the first look is not sure: 0.35
    np.testing.assert_allclose(place["box"], expected, atol=0.5)


def test_all_faces_of_a_crowd_are_found(page):
    portrait = cv2.resize(cv2.imread(str(PORTRAIT)), (72, 72), interpolation=cv2.INTER_AREA)
    assert len(searched(page, np.tile(portrait, (5, 7, 1)), "find")) == 35


def test_a_face_that_the_detector_takes_the_wrong_way_round_is_upright(page):
    code = """async (box) => {
      const [{Normaliser}, {drawPicture}, {Tracker, facesOf}] = await Promise.all(
        ["normaliser", "picture", "tracker"].map(name => import(`./js/${name}.js`)));
      const {network} = await Normaliser.load(new URL("./", location.href));
      const photograph = await (await fetch("example.jpg")).blob();
      const picture = await drawPicture(photograph, "it", document.createElement("canvas"));
      const detector = {find: async () => [{box, roll: 3, score: 1}]};
      const [face] = await facesOf(picture, detector, network);
      const followed = await new Tracker(detector, network).follow(picture);
      return [face, followed].map(({roll, confidence}) => [roll, confidence]);
    }"""
    for roll, confidence in page.evaluate(code, BOX):
        assert abs(roll) < 0.2 and confidence > 0.9


@pytest.mark.parametrize("focal_length", [None, 1.5])
def test_points_of_any_camera_are_those_of_python(page, rng, focal_length):
    model = toy_grid_model((16, 12))
    about, content = surface_file(model, focal_length)
    # A face near the camera, of which some vertices are behind it.
    pose = [0.3, -0.5, 0.2, 120.0, 100.0, 0.9]
    parameters = np.array([[*pose, *rng.normal(size=model.modes)]], np.float32)
    expected = FaceGeometry(model, 224, "normals", focal_length).fit(parameters)
    code = """async ([about, content, parameters]) => {
      const {FaceModel} = await import("./js/face_model.js");
      const model = new FaceModel(about, Uint8Array.from(content).buffer);
      const vertices = model.vertices(parameters);
      return [[...vertices], [...model.points(parameters, vertices, 224)], [...model.triangles()]];
    }"""
    given = [about, list(content), parameters[0].tolist()]
    vertices, points, triangles = page.evaluate(code, given)
    # Integers of 16 bits: a part in 65,534 of the range.
    np.testing.assert_allclose(np.reshape(vertices, (-1, 3)), expected.vertices[0], atol=0.02)
    np.testing.assert_allclose(np.reshape(points, (-1, 2)), expected.points[0], atol=0.1)
    np.testing.assert_array_equal(np.reshape(triangles, (-1, 3)), model.triangles)


def test_webgpu_gives_the_same(playwright, address):
    options = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
    with opened_browser(playwright, *options, without=("--disable-gpu",)) as browser:
        page = browser.new_page()
        opened(page, address)
        if not page.evaluate("async () => Boolean(await navigator.gpu?.requestAdapter())"):
            pytest.skip("this Chromium has no WebGPU without a graphics processor")
        code = """async () => {
          const {Model} = await import("./js/litert.js");
          const content = await (await fetch("models/network.tflite")).arrayBuffer();
          const waves = (_, i) => 127 + 100 * Math.sin(i / 997);
          const input = new Float32Array(224 * 224 * 3).map(waves);
          const landmarks = [];
          for (const accelerator of ["wasm", "webgpu"]) {
            const model = await Model.compile(new Uint8Array(content), accelerator);
            landmarks.push([...(await model.run(input)).landmarks.values]);
          }
          return landmarks;
        }"""
        processor, graphics = page.evaluate(code)
        # In software it is the slower one, but a busy machine may hide that.
        assert page.inner_text("#runs-on").split(";")[0].endswith(("WebAssembly", "WebGPU"))
    np.testing.assert_allclose(graphics, processor, atol=0.1)


def test_nothing_is_asked_of_another_server(browser, address):
    context = browser.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, address)
    page.click("#example")
    shown_face(page)
    context.close()
    assert len(asked) > 20
    assert all(url.startswith((address, "blob:", "data:")) for url in asked), asked


def test_photographs_can_be_dropped_and_pasted(page):
    content = base64.b64encode(PORTRAIT.read_bytes()).decode()
    code = """([kind, content]) => {
      const bytes = Uint8Array.from(atob(content), c => c.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], "dropped.jpg", {type: "image/jpeg"}));
      const event = kind === "drop"
        ? new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true})
        : new ClipboardEvent(kind, {clipboardData: transfer, bubbles: true, cancelable: true});
      document.body.dispatchEvent(event);
    }"""
    for kind in ("drop", "paste"):
        page.evaluate("() => { faces.length = 0; }")
        page.evaluate(code, [kind, content])
        assert shown_face(page)["confidence"] > 0.9
        page.wait_for_selector("#status:has-text('One face in dropped.jpg')", timeout=60_000)


def test_a_camera_is_followed(page):
    page.click("#camera")
    first = shown_face(page)
    page.wait_for_selector("#speed:has-text('frames/s')", timeout=60_000)
    keep_picture(page, "camera")
    later = shown_face(page)
    # Which frame is shown depends on the machine; the network is surer of some than of others.
    assert first["confidence"] > 0.5 and later["confidence"] > 0.5
    assert page.evaluate("faces.length") > 3
    assert later["sides"] == [224, 224]
    assert page.get_attribute("#camera", "aria-pressed") == "true"
    page.click("#camera")
    page.wait_for_selector("#status:has-text('The camera is off')")
    assert page.get_attribute("#camera", "aria-pressed") == "false"


CLOCK = """async (rates) => {
  const {Clock} = await import("./js/clock.js");
  const camera = {missed: 0};
  let now = 0;
  const clock = new Clock(camera, now);
  const parts = [];
  // Three seconds each of frames that are seen, and of those that are missed, both a second.
  for (const [seen, missed] of rates) {
    for (let i = 0; i < 3 * seen; i++) {
      now += 1000 / seen;
      camera.missed += missed / seen;
      clock.count(10, now);
    }
    parts.push(clock.every);
  }
  return [parts, clock.text];
}"""


def test_a_slow_camera_is_no_reason_to_do_less(page):
    # As webcams do: 30 a second, about, and 15 where it is dark.
    parts, text = page.evaluate(CLOCK, [[29.9, 0], [15, 0], [29, 1]])
    assert parts == [1, 1, 1]
    assert text == "29 frames/s, 10.0 ms each"


def test_where_frames_are_missed_less_is_done_until_there_is_time_again(page):
    parts, _ = page.evaluate(CLOCK, [[20, 10], [29.9, 0], [29.9, 0], [29.9, 0], [40, 20]])
    assert parts[0] >= 8
    assert parts[0] > parts[1] > parts[2] > parts[3] == 1
    assert parts[4] == 1, "more than 30 a second are enough"


def test_frames_that_went_by_are_counted(page):
    code = """async () => {
      const {Camera} = await import("./js/camera.js");
      const track = {addEventListener() {}, stop() {}};
      const canvas = document.createElement("canvas");
      const video = document.createElement("canvas");
      const given = [7, 8, 12, 13];
      Object.assign(video, {videoWidth: 4, videoHeight: 3});
      video.requestVideoFrameCallback = (told) => told(0, {presentedFrames: given.shift()});
      const camera = new Camera({getVideoTracks: () => [track]}, video);
      for (let i = 0; i < 4; i++) await camera.frame(canvas);
      return camera.missed;
    }"""
    assert page.evaluate(code) == 3


def test_a_picture_does_not_wait_for_a_camera_that_may_not_be_used_yet(new_page):
    page = new_page
    page.evaluate(
        """() => {
          const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async (wanted) => {
            await new Promise((resolve) => { window.allow = resolve; });
            window.stream = await open(wanted);
            return stream;
          };
        }"""
    )
    page.click("#camera")
    page.click("#example")
    page.wait_for_selector("#status:has-text('One face in example.jpg.')", timeout=60_000)
    # Who says yes at last has shown a picture since: the camera is let go.
    page.evaluate(
        """async () => {
          allow();
          while (!window.stream || stream.active) await new Promise((r) => setTimeout(r, 20));
        }"""
    )
    assert page.inner_text("#camera") == "Use the camera"
    assert page.inner_text("#status") == "One face in example.jpg."


def test_a_camera_that_does_not_play_is_let_go(new_page):
    page = new_page
    page.evaluate(
        """() => {
          const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          const opened = async (wanted) => (window.stream = await open(wanted));
          navigator.mediaDevices.getUserMedia = opened;
          HTMLMediaElement.prototype.play = async () => { throw new Error("no frames"); };
        }"""
    )
    page.click("#camera")
    assert problem(page) == "The camera shows nothing: no frames"
    assert not page.evaluate("stream.active")


def test_without_a_camera_it_says_so(playwright, address):
    with opened_browser(playwright, "--use-fake-ui-for-media-stream") as browser:
        page = browser.new_page()
        opened(page, address)
        page.click("#camera")
        assert problem(page) == "There is no camera."


def test_what_is_no_picture_is_named(page):
    page.set_input_files(
        "#file", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Not a picture."}
    )
    assert problem(page) == "notes.txt is not a picture that this browser can read."
    page.set_input_files("#file", picture_file("grey.png", np.full((300, 400, 3), 120, np.uint8)))
    page.wait_for_selector("#status:has-text('There is no face in grey.png')", timeout=60_000)
    assert page.is_disabled("[data-save=glb]")
    page.click("#example")  # and all is well again
    page.wait_for_selector("#status:has-text('One face in example.jpg.')", timeout=60_000)


def test_text_that_is_dropped_is_no_picture(page):
    page.evaluate(
        """() => {
          const transfer = new DataTransfer();
          transfer.setData("text/plain", "Not a picture.");
          const event = new DragEvent("drop", {dataTransfer: transfer, bubbles: true});
          document.body.dispatchEvent(event);
        }"""
    )
    assert "holds no picture" in problem(page)


def test_of_several_faces_each_can_be_chosen(page):
    portrait = cv2.imread(str(PORTRAIT))
    both = np.concatenate([portrait, cv2.resize(portrait, (200, 256))], axis=1)
    page.set_input_files("#file", picture_file("both.png", both))
    first = shown_face(page)
    page.wait_for_selector("#status:has-text('2 faces in both.png')")
    page.click("#next")
    second = shown_face(page)
    left, right = (np.reshape(face["landmarks"], (-1, 2))[:, 0].mean() for face in (first, second))
    assert left < 256 < right
    assert page.inner_text("#status") == "Face 2 of 2."


def test_a_turned_photograph_is_upright(page, normaliser, tmp_path):
    image = cv2.imread(str(PORTRAIT))
    plain = cv2.imencode(".jpg", cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE))[1].tobytes()
    # EXIF with the one entry that the picture has to be turned clockwise.
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    tiff = b"MM\x00*\x00\x00\x00\x08\x00\x01" + entry + b"\x00\x00\x00\x00"
    exif = b"Exif\x00\x00" + tiff
    path = tmp_path / "turned.jpg"
    head = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    path.write_bytes(plain[:2] + head + plain[2:])
    page.set_input_files("#file", path)
    face, (expected,) = shown_face(page), normaliser(path)
    assert distances(face, expected.landmarks("ibug68")).max() < 0.7  # of another JPEG
    assert abs(face["roll"]) < 0.2


def saved(page, what, folder):
    with page.expect_download() as download:
        page.click(f"[data-save={what}]")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_pictures_can_be_saved(page, tmp_path):
    page.click("#example")
    face = shown_face(page)
    sizes = {}
    for what in ("overlay", "front", "texture", "mask"):
        path = saved(page, what, tmp_path)
        assert path.name.startswith("example-") and path.suffix == ".png"
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert picture.std() > 5
        sizes[what] = picture.shape[:2]
    assert sizes["overlay"] == (1024, 1024)
    assert sizes["texture"] == sizes["mask"] == (448, 448)
    texture = cv2.imread(str(tmp_path / "example-texture.png"), cv2.IMREAD_UNCHANGED)
    levels = unpacked(face["texture"], np.uint8, 448, 448, 3)
    seen = texture[..., 3] > 0
    np.testing.assert_array_equal(texture[seen][:, 2::-1], levels[seen])


def test_the_3d_face_can_be_saved(page, normaliser, tmp_path):
    trimesh = pytest.importorskip("trimesh", reason="the extra `viz` is not installed")
    page.click("#example")
    shown_face(page)
    (expected,) = normaliser(PORTRAIT)
    path = saved(page, "glb", tmp_path)
    assert path.name == "example.glb"
    (mesh,) = trimesh.load(path).geometry.values()
    assert len(mesh.vertices) == 112 * 112 and len(mesh.faces) == 2 * 111 * 111
    # Metres; x right, y up, z towards the viewer.
    vertices = expected.vertices * [1e-3, -1e-3, -1e-3]
    assert np.linalg.norm(mesh.vertices - vertices, axis=1).mean() < 5e-4
    nose = expected.landmark_indices["ibug68"][30]
    assert mesh.face_normals.mean(axis=0)[2] > 0.3  # outward is towards the viewer
    picture = np.asarray(mesh.visual.material.baseColorTexture.convert("RGB"))
    assert picture.shape == (448, 448, 3)
    # The texture's place of the tip of the nose has the photograph's colour there.
    u, v = mesh.visual.uv[nose]
    texel = picture[round((1 - v) * 448 - 0.5), round(u * 448 - 0.5)].astype(float)
    x, y = np.round(expected.points[nose]).astype(int)
    assert np.abs(texel - read_photograph(PORTRAIT)[y, x]).max() < 15


def test_keys_do_all_that_the_mouse_does(new_page):
    page = new_page
    page.keyboard.press("Tab")
    names = [page.evaluate("document.activeElement.id")]
    while names[-1] != "turning" and len(names) < 20:
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.id"))
        if names[-1] == "example":
            page.keyboard.press("Enter")
            shown_face(page)
    assert names == ["choose", "camera", "example", "landmarks", "mesh", "turning"]
    pictures = [page.locator("#turning").screenshot()]
    for key in ("ArrowRight", "ArrowUp", "+"):
        for _ in range(4):
            page.keyboard.press(key)
        pictures.append(page.locator("#turning").screenshot())
    assert len(set(pictures)) == 4
    keep_picture(page, "turned")
    page.keyboard.press("Home")
    back = cv2.imdecode(np.frombuffer(page.locator("#turning").screenshot(), np.uint8), 1)
    first = cv2.imdecode(np.frombuffer(pictures[0], np.uint8), 1)
    assert np.abs(back.astype(int) - first).mean() < 1


def test_the_face_turns_with_the_mouse(page):
    page.click("#example")
    shown_face(page)
    canvas = page.locator("#turning")
    before, box = canvas.screenshot(), canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=5)
    page.mouse.up()
    assert canvas.screenshot() != before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(browser, address, scheme):
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, device_scale_factor=2, color_scheme=scheme
    )
    page = context.new_page()
    opened(page, address)
    page.check("#mesh")
    page.click("#example")
    shown_face(page)
    keep_picture(page, f"phone-{scheme}")
    width, red = page.evaluate(
        """() => [document.documentElement.scrollWidth,
          Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])]"""
    )
    context.close()
    assert width == 360
    assert (red < 64) == (scheme == "dark")


def test_a_browser_without_simd_is_told(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script("WebAssembly.validate = () => false")
    page.goto(address)
    assert "no WebAssembly with SIMD" in problem(page)
    context.close()


def test_without_webgl_the_rest_works(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(
        """const get = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
          return kind.startsWith("webgl") ? null : get.call(this, kind, ...rest);
        };"""
    )
    opened(page, address)
    page.click("#example")
    assert shown_face(page)["confidence"] > 0.9
    assert "no WebGL" in page.inner_text("#turning-keys")
    context.close()


def test_a_photograph_that_comes_too_early_is_told(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/models/network.tflite", lambda route: None)  # never comes
    page.goto(address)
    page.wait_for_selector(".stage.empty")
    page.evaluate("() => { document.body.dispatchEvent(new DragEvent('drop', {bubbles: true})); }")
    assert problem(page) == "The network is still loading."
    context.close()


def test_missing_files_are_named(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/models/network.tflite", lambda route: route.fulfill(status=404))
    page.goto(address)
    assert problem(page) == "/models/network.tflite could not be loaded: 404."
    context.close()


@pytest.mark.parametrize("answer", [{"status": 404}, {"content_type": "text/plain", "body": ""}])
@pytest.mark.parametrize("script", ["js/overlay.js", "vendor/three/three.core.js"])
def test_scripts_that_do_not_load_are_told(browser, address, script, answer):
    context = browser.new_context()
    page = context.new_page()
    page.route(f"**/{script}", lambda route: route.fulfill(**answer))
    page.goto(address)
    assert "A script of this page could not be loaded" in problem(page)
    context.close()


def test_a_description_that_is_none_is_named(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/site.json", lambda route: route.fulfill(body="<!doctype html>"))
    page.goto(address)
    assert problem(page) == "/site.json is another file than that of the site."
    context.close()


def test_opened_as_a_file_it_says_what_to_do(browser, site):
    context = browser.new_context()
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    assert "has to come from a server" in problem(page)
    context.close()


def test_nothing_is_left_of_the_photograph_before(page):
    page.click("#example")
    shown_face(page)
    page.set_input_files("#file", picture_file("grey.png", np.full((300, 400, 3), 120, np.uint8)))
    page.wait_for_selector("#status:has-text('There is no face in grey.png')", timeout=60_000)
    keep_picture(page, "no-face")
    for name in ("turning", "front", "texture", "mask"):
        canvas = np.frombuffer(page.locator(f"#{name}").screenshot(), np.uint8)
        inner = cv2.imdecode(canvas, cv2.IMREAD_COLOR)[20:-20, 20:-20]
        assert inner.std(axis=(0, 1)).max() < 1, name
    assert "%" not in page.inner_text("#confidence")
