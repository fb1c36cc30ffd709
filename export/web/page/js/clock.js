/** The speed of a video: said in words, and how much of each frame there is time for. */

// Numbers that change with every frame are written so often, in milliseconds.
const WRITTEN_EVERY = 500;
// Where there are fewer frames a second, and the camera has more, only each second frame is looked
// at whole, or fourth, and so on to the last of these numbers.
const FLUENT = 30;
const RAREST = 16;
// A greater part of the camera's frames is never lost by chance.
const BY_CHANCE = 0.1;
// After so many texts without a loss, more is tried.
const CALM = 4;

export class Clock {
  /**
   * @param camera with `missed`: how many of its frames nobody looked at.
   * @param now in milliseconds.
   */
  constructor(camera, now = performance.now()) {
    this.camera = camera;
    [this.total, this.every, this.calm] = [0, 1, 0];
    this.restart(now);
  }

  restart(now) {
    [this.began, this.frames, this.milliseconds] = [now, 0, 0];
    this.missedBefore = this.camera.missed;
  }

  /** Whether there is time for all of the next frame. */
  get isWhole() {
    return this.total % this.every === 0;
  }

  /** Counts a frame that took some milliseconds; says whether there is a new text. */
  count(milliseconds, now = performance.now()) {
    this.total++;
    this.frames++;
    this.milliseconds += milliseconds;
    const passed = now - this.began;
    if (passed < WRITTEN_EVERY) return false;
    const each = (this.milliseconds / this.frames).toFixed(1);
    const rate = (1000 * this.frames) / passed;
    this.text = `${Math.round(rate)} frames/s, ${each} ms each`;
    this.adapt(rate);
    this.restart(now);
    return true;
  }

  adapt(rate) {
    const missed = this.camera.missed - this.missedBefore;
    // A camera that gives 15 frames a second in the dark is no reason to do less.
    const isLate = missed > BY_CHANCE * (missed + this.frames);
    this.calm = isLate ? 0 : this.calm + 1;
    if (isLate && rate < FLUENT) this.every = Math.min(2 * this.every, RAREST);
    else if (rate > 1.2 * FLUENT || this.calm >= CALM) {
      this.every = Math.max(this.every / 2, 1);
      this.calm = 0;
    }
  }
}
