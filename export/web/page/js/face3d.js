/** The face in three dimensions: to turn, from the front, and as a GLB file. */

import * as three from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { GLTFExporter } from "three/addons/exporters/GLTFExporter.js";

const FIELD_OF_VIEW = 22;
// Space around the face, of its larger side.
const MARGIN = 1.12;
const TURN = Math.PI / 24;
const KEYS = {
  ArrowLeft: [-TURN, 0], ArrowRight: [TURN, 0], ArrowUp: [0, -TURN], ArrowDown: [0, TURN],
};

/** The mesh of a face: x right, y up, z towards the viewer, millimetres. */
export class FaceMesh {
  constructor(faceModel) {
    this.faceModel = faceModel;
    this.geometry = new three.BufferGeometry();
    this.positions = new three.BufferAttribute(new Float32Array(3 * faceModel.count), 3);
    this.geometry.setAttribute("position", this.positions);
    this.geometry.setIndex(new three.BufferAttribute(faceModel.triangles(), 1));
    this.place(faceModel.mean);
    this.geometry.computeBoundingBox();
    this.box = this.geometry.boundingBox.clone();
    // The face is never left out, so the sphere that is asked for need not be exact.
    this.geometry.computeBoundingSphere();
    this.map = null;
    this.isShown = false;
  }

  /** Takes vertices of the face model and a texture, an ImageData. */
  show(vertices, texture) {
    this.place(vertices);
    const { width, height } = texture;
    if (this.map?.image.width !== width || this.map.image.height !== height) {
      this.map?.dispose();
      this.map = new three.DataTexture(new Uint8Array(4 * width * height), width, height);
      this.map.colorSpace = three.SRGBColorSpace;
      this.map.minFilter = this.map.magFilter = three.LinearFilter;
      const places = this.faceModel.texturePlaces(height, width);
      this.geometry.setAttribute("uv", new three.BufferAttribute(places, 2));
    }
    this.map.image.data.set(texture.data);
    this.map.needsUpdate = true;
    this.isShown = true;
  }

  place(vertices) {
    const { array } = this.positions;
    for (let i = 0; i < array.length; i += 3) {
      array[i] = vertices[i];
      array[i + 1] = -vertices[i + 1];
      array[i + 2] = -vertices[i + 2];
    }
    this.positions.needsUpdate = true;
  }

  /** Returns the face as a GLB file, in metres, as programs for meshes expect it: an ArrayBuffer. */
  async glb() {
    const geometry = this.geometry.clone().scale(1e-3, 1e-3, 1e-3);
    geometry.computeVertexNormals();
    const material = new three.MeshStandardMaterial({
      name: "face", map: this.map, metalness: 0, roughness: 1, side: three.DoubleSide,
    });
    const mesh = new three.Mesh(geometry, material);
    mesh.name = "face";
    return new GLTFExporter().parseAsync(mesh, { binary: true });
  }
}

/** A canvas on which a `FaceMesh` is drawn. */
class View {
  constructor(canvas, mesh, camera) {
    this.canvas = canvas;
    this.mesh = mesh;
    this.camera = camera;
    this.renderer = new three.WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.material = new three.MeshBasicMaterial({ side: three.DoubleSide });
    this.scene = new three.Scene();
    const face = new three.Mesh(mesh.geometry, this.material);
    face.frustumCulled = false;
    this.scene.add(face);
  }

  /** Draws the face, or nothing if there is none. */
  draw() {
    if (!this.mesh.isShown) {
      this.renderer.clear();
      return;
    }
    const { clientWidth, clientHeight, width, height } = this.canvas;
    const ratio = Math.min(devicePixelRatio, 2);
    const wanted = [clientWidth, clientHeight].map((side) => Math.max(1, Math.floor(side * ratio)));
    if (wanted[0] !== width || wanted[1] !== height) this.renderer.setSize(...wanted, false);
    if (this.material.map !== this.mesh.map) {
      this.material.map = this.mesh.map;
      this.material.needsUpdate = true;
    }
    this.renderer.render(this.scene, this.camera);
  }

  /** Returns the picture as a PNG. */
  png() {
    this.draw(); // a canvas of WebGL keeps what was drawn only until the next frame
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
  }
}

/** The face from the front, without perspective. */
export class FrontView extends View {
  constructor(canvas, mesh) {
    const [middle, half] = fitted(mesh.box);
    const camera = new three.OrthographicCamera(-half, half, half, -half, 1, 2000);
    camera.position.set(middle.x, middle.y, middle.z + 1000);
    super(canvas, mesh, camera);
  }
}

/** The face to turn, with the mouse, a finger or the keys. */
export class TurningView extends View {
  constructor(canvas, mesh) {
    const [middle, half] = fitted(mesh.box);
    const camera = new three.PerspectiveCamera(FIELD_OF_VIEW, 1, 10, 5000);
    super(canvas, mesh, camera);
    this.controls = new OrbitControls(camera, canvas);
    this.controls.enablePan = false;
    this.controls.target.copy(middle);
    const distance = half / Math.tan(three.MathUtils.degToRad(FIELD_OF_VIEW / 2));
    camera.position.set(middle.x, middle.y, middle.z + distance);
    Object.assign(this.controls, { minDistance: distance / 4, maxDistance: 2 * distance });
    this.controls.update();
    this.controls.saveState();
    this.controls.addEventListener("change", () => this.draw());
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.key in KEYS) this.turn(...KEYS[event.key]);
    else if (event.key === "+") this.zoom(1 / 1.1);
    else if (event.key === "-") this.zoom(1.1);
    else if (event.key === "Home") this.controls.reset();
    else return;
    event.preventDefault();
  }

  /** Turns the face to the right and down, radians. */
  turn(right, down) {
    const place = this.camera.position.clone().sub(this.controls.target);
    const sphere = new three.Spherical().setFromVector3(place);
    sphere.theta -= right;
    sphere.phi -= down;
    sphere.makeSafe();
    this.camera.position.setFromSpherical(sphere).add(this.controls.target);
    this.controls.update();
  }

  zoom(factor) {
    this.camera.position.sub(this.controls.target).multiplyScalar(factor).add(this.controls.target);
    this.controls.update();
  }
}

/** Returns the middle of a box, and half of the square that shows it. */
function fitted(box) {
  const size = box.getSize(new three.Vector3());
  return [box.getCenter(new three.Vector3()), (MARGIN * Math.max(size.x, size.y)) / 2];
}
