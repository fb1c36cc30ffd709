/** The page: what its buttons do, and what it shows. */

import { Camera } from "./camera.js";
import { Clock } from "./clock.js";
import { pngOf, save } from "./downloads.js";
import { FaceMesh, FrontView, TurningView } from "./face3d.js";
import { Normaliser } from "./normaliser.js";
import { drawFace, drawTexture, maskOf, textureOf } from "./overlay.js";
import { drawPicture, fileOf } from "./picture.js";
import { Problem } from "./problem.js";

const element = (id) => document.getElementById(id);
const canvases = { picture: element("picture"), overlay: element("overlay") };
// A photograph with its overlay is saved at least this large, in pixels of its larger side.
const LEAST_SAVED = 1024;

const state = {
  normaliser: null, mesh: null, views: [], camera: null, faces: [], chosen: 0, name: "face",
  // The face that texture, mask and 3D face show: that of the last frame that was looked at whole.
  whole: null,
  // Each picture or camera that is asked for has a number; what is late for it is left out.
  request: 0, work: Promise.resolve(),
};

function tell(text, isProblem = false) {
  const status = element("status");
  status.className = isProblem ? "problem" : "";
  if (status.textContent !== text) status.textContent = text;
}

/** Says what went wrong, in words for people; the rest is for the console. */
function complain(error) {
  if (!(error instanceof Problem)) console.error(error);
  else if (error.cause) console.info(error.cause);
  tell(error instanceof Problem ? error.message : `Something went wrong: ${error.message}`, true);
}

/** Does something after what is being done, since a network does one thing at a time. */
function afterwards(action) {
  state.work = state.work.then(action).catch(complain);
  return state.work;
}

/** Shows the faces of a picture. */
function showPicture(blob, name) {
  closeCamera();
  const request = ++state.request;
  return afterwards(async () => {
    if (request !== state.request) return;
    tell("Looking for faces …");
    const picture = await drawPicture(blob, name, canvases.picture);
    element("stage").classList.remove("empty", "mirror");
    element("hint").hidden = true;
    showFaces([]);
    clear();
    const began = performance.now();
    const faces = await state.normaliser.photograph(picture);
    if (request !== state.request) return;
    const milliseconds = performance.now() - began;
    state.name = name.replace(/\.[^.]*$/, "") || "face";
    showFaces(faces);
    element("speed").textContent = `${Math.round(milliseconds)} ms`;
    if (!faces.length) throw new Problem(`There is no face in ${name}, or none that is found.`);
    tell(faces.length > 1 ? `${faces.length} faces in ${name}.` : `One face in ${name}.`);
  });
}

/** Shows faces, the first of them chosen. */
function showFaces(faces) {
  state.faces = faces;
  state.chosen = 0;
  element("next").hidden = faces.length < 2;
  for (const button of document.querySelectorAll("[data-save]")) button.disabled = !faces.length;
  showFace();
}

/** Draws the chosen face: everything, and tells whoever listens, or its landmarks only. */
function showFace(isWhole = true) {
  const face = state.faces[state.chosen];
  drawOverlay();
  element("confidence").textContent = face ? `${Math.round(100 * face.confidence)} %` : "–";
  if (!face || !isWhole) return;
  state.whole = face;
  drawTexture(element("texture"), textureOf(face, false));
  drawTexture(element("mask"), maskOf(face));
  drawSurface();
  document.dispatchEvent(new CustomEvent("face", { detail: face }));
}

function drawSurface() {
  const face = state.whole;
  if (!face || !state.mesh) return;
  state.mesh.show(face.vertices, textureOf(face, element("fill").checked));
  for (const view of state.views) view.draw();
}

/** Clears what is shown of a face of another photograph. */
function clear() {
  state.whole = null;
  for (const id of ["texture", "mask"]) element(id).width = element(id).height = 1;
  state.mesh.isShown = false;
  for (const view of state.views) view.draw();
}

/** Draws landmarks and mesh over the picture, as sharp as the screen. */
function drawOverlay() {
  const { picture, overlay } = canvases;
  // Small pictures are enlarged, and large ones shrunk, to what the window has room for.
  picture.style.setProperty("--shape", picture.width / picture.height);
  const ratio = Math.min(devicePixelRatio, 2);
  const [width, height] = [picture.clientWidth, picture.clientHeight];
  const size = [width, height].map((side) => Math.max(1, Math.round(side * ratio)));
  Object.assign(overlay.style, { width: `${width}px`, height: `${height}px` });
  if (overlay.width !== size[0]) overlay.width = size[0];
  if (overlay.height !== size[1]) overlay.height = size[1];
  const context = overlay.getContext("2d");
  context.clearRect(0, 0, ...size);
  drawFaces(context, size[0] / picture.width, 1.4 * ratio);
}

function drawFaces(context, zoom, width) {
  const what = { mesh: element("mesh").checked, landmarks: element("landmarks").checked };
  for (const [number, face] of state.faces.entries()) {
    context.globalAlpha = number === state.chosen ? 1 : 0.45;
    drawFace(context, face, state.normaliser.faceModel.grid, what, zoom, width);
  }
  context.globalAlpha = 1;
}

/** Opens the camera and follows the face before it, until it is closed. */
async function openCamera() {
  const request = ++state.request;
  tell("Opening the camera …");
  let camera;
  try {
    // Nothing waits for this: the browser may ask, and the person may never answer.
    camera = await Camera.open();
  } catch (error) {
    if (request === state.request) complain(error);
    return;
  }
  await afterwards(async () => {
    if (request !== state.request) return camera.close();
    state.camera = camera;
    state.name = "face";
    state.normaliser.forget();
    showFaces([]);
    element("camera").setAttribute("aria-pressed", "true");
    element("camera").textContent = "Stop the camera";
    element("stage").classList.remove("empty");
    element("stage").classList.toggle("mirror", camera.isMirror);
    element("hint").hidden = true;
    tell("The camera is on.");
    await watch(camera);
    closeCamera();
    if (camera.wasLost) throw new Problem("The camera was disconnected.");
    if (request === state.request) tell("The camera is off; the last face stays.");
  });
}

async function watch(camera) {
  const clock = new Clock(camera);
  for (;;) {
    const picture = await camera.frame(canvases.picture);
    if (!picture) return;
    const began = performance.now();
    const isWhole = !state.faces.length || clock.isWhole || element("mesh").checked;
    const face = await state.normaliser.frame(picture, isWhole);
    if (!camera.isOpen) return;
    if (Boolean(face) === Boolean(state.faces.length)) {
      state.faces = face ? [face] : [];
      showFace(isWhole);
    } else showFaces(face ? [face] : []);
    if (clock.count(performance.now() - began)) {
      element("speed").textContent = clock.text;
      tell(face ? "The camera is on." : "The camera is on; there is no face in sight.");
    }
  }
}

function closeCamera() {
  state.camera?.close();
  state.camera = null;
  element("camera").setAttribute("aria-pressed", "false");
  element("camera").textContent = "Use the camera";
}

/** What the buttons for downloads save. */
const files = {
  overlay: async () => {
    const { picture } = canvases;
    const zoom = Math.max(1, LEAST_SAVED / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: picture.width * zoom, height: picture.height * zoom });
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    drawFaces(context, canvas.width / picture.width, Math.max(1.5, canvas.width / 700));
    save(await pngOf(canvas), `${state.name}-landmarks.png`);
  },
  front: async () => save(await state.views[0].png(), `${state.name}-front.png`),
  texture: async () => save(await pngOf(element("texture")), `${state.name}-texture.png`),
  mask: async () => save(await pngOf(element("mask")), `${state.name}-mask.png`),
  glb: async () => save(await state.mesh.glb(), `${state.name}.glb`, "model/gltf-binary"),
};

function listen() {
  element("choose").addEventListener("click", () => element("file").click());
  element("file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    if (file) showPicture(file, file.name);
    target.value = ""; // so that the same file can be chosen again
  });
  element("camera").addEventListener("click", () => (state.camera ? state.camera.close() : openCamera()));
  element("example").addEventListener("click", async () => {
    try {
      const answer = await fetch("example.jpg");
      if (!answer.ok) throw new Error(answer.status);
      showPicture(await answer.blob(), "example.jpg");
    } catch (error) {
      complain(new Problem("The example could not be loaded.", error));
    }
  });
  element("next").addEventListener("click", () => {
    state.chosen = (state.chosen + 1) % state.faces.length;
    showFace();
    tell(`Face ${state.chosen + 1} of ${state.faces.length}.`);
  });
  for (const id of ["landmarks", "mesh"]) element(id).addEventListener("change", drawOverlay);
  element("fill").addEventListener("change", drawSurface);
  for (const button of document.querySelectorAll("[data-save]")) {
    button.addEventListener("click", () => files[button.dataset.save]().catch(complain));
  }
  new ResizeObserver(() => {
    if (state.normaliser) drawOverlay();
    for (const view of state.views) view.draw();
  }).observe(element("results"));
  listenForDrops();
}

function listenForDrops() {
  const taken = (transfer) => {
    try {
      if (!state.normaliser) throw new Problem("The network is still loading.");
      const file = fileOf(transfer);
      showPicture(file, file.name || "the picture");
    } catch (error) {
      complain(error);
    }
  };
  addEventListener("paste", (event) => taken(event.clipboardData));
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    addEventListener(kind, (event) => {
      event.preventDefault();
      document.body.classList.toggle("dropping", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") taken(event.dataTransfer);
    });
  }
}

/** Makes the views; without WebGL there are none, and the rest of the page works. */
function openViews() {
  state.mesh = new FaceMesh(state.normaliser.faceModel);
  try {
    state.views = [
      new FrontView(element("front"), state.mesh),
      new TurningView(element("turning"), state.mesh),
    ];
  } catch (error) {
    element("turning-keys").textContent = "This browser has no WebGL, which draws the 3D face.";
    document.querySelector('[data-save="front"]').hidden = true;
    console.info(error);
  }
}

async function start() {
  element("stage").classList.add("empty");
  listen();
  try {
    state.normaliser = await Normaliser.load(new URL("./", location.href));
    openViews();
    const { accelerator, card } = state.normaliser.network;
    const where = accelerator === "webgpu" ? "graphics processor, by WebGPU" : "processor, by WebAssembly";
    element("runs-on").textContent = `${where}; ${card.precision}`;
    for (const id of ["choose", "camera", "example"]) element(id).disabled = false;
    document.documentElement.dataset.ready = "yes";
    tell("Ready. Choose, drop or paste a picture, or use the camera.");
  } catch (error) {
    complain(error);
  }
}

start();
