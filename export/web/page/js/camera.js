/** The camera: opened, read frame by frame, closed. */

import { drawn } from "./picture.js";
import { Problem } from "./problem.js";

const REASONS = {
  NotAllowedError: "The camera may not be used: allow it in the browser's settings for this page.",
  NotFoundError: "There is no camera.",
  NotReadableError: "The camera is used by another program.",
};

export class Camera {
  /** Opens the camera that faces the person. */
  static async open() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Problem("The camera can only be used on a page from https or localhost.");
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "user", width: { ideal: 640 }, frameRate: { ideal: 60 } },
      });
    } catch (error) {
      throw new Problem(REASONS[error.name] ?? `The camera does not open: ${error.message}`, error);
    }
    const video = document.createElement("video");
    Object.assign(video, { muted: true, playsInline: true, srcObject: stream });
    const camera = new Camera(stream, video);
    try {
      await video.play();
    } catch (error) {
      camera.close();
      throw new Problem(`The camera shows nothing: ${error.message}`, error);
    }
    return camera;
  }

  constructor(stream, video) {
    this.video = video;
    [this.track] = stream.getVideoTracks();
    this.isOpen = true;
    this.wasLost = false;
    // Frames that it gave while the one before was being looked at.
    [this.given, this.missed] = [0, 0];
    this.track.addEventListener("ended", () => {
      this.wasLost = this.isOpen;
      this.close();
    });
  }

  /** Whether the picture is that of a mirror: the camera looks at who looks at the screen. */
  get isMirror() {
    return this.track.getSettings().facingMode !== "environment";
  }

  /** Waits for the next frame, draws it on a canvas and returns its levels; null once closed. */
  async frame(canvas) {
    const { presentedFrames } = await this.nextFrame();
    if (this.given && presentedFrames) this.missed += presentedFrames - this.given - 1;
    this.given = presentedFrames;
    const { videoWidth, videoHeight } = this.video;
    return this.isOpen ? drawn(this.video, canvas, videoWidth, videoHeight) : null;
  }

  /** Waits for the next frame, or until it is closed; returns what the browser says of it. */
  nextFrame() {
    return new Promise((resolve) => {
      this.wake = () => resolve({});
      if (!this.isOpen) this.wake();
      else if (!this.video.requestVideoFrameCallback) requestAnimationFrame(this.wake);
      else this.video.requestVideoFrameCallback((now, about) => resolve(about));
    });
  }

  close() {
    this.isOpen = false;
    this.track.stop();
    this.wake?.();
  }
}
