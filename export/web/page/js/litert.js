/** LiteRT in the browser: its WebAssembly runtime, and models on the processor or by WebGPU. */

import { Tensor, getGlobalLiteRtPromise, loadAndCompile, loadLiteRt } from "@litertjs/core";

import { Problem } from "./problem.js";

// (module (func (drop (v128.const i64x2 0 0)))), the smallest code that needs SIMD.
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 23, 1, 21, 0, 253, 12,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 26, 11,
];

// Until WebAssembly is compiled for speed, and shaders are compiled at all: milliseconds.
const WARM_UP = 600;

/** Loads the runtime from a folder; says whether models can be run by WebGPU. */
export async function startRuntime(folder) {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(new Uint8Array(SIMD))) {
    throw new Problem("This browser has no WebAssembly with SIMD, which the network needs.");
  }
  const gpu = (await hasGpu()) && "Suspending" in WebAssembly;
  try {
    // Only with JSPI, steps that the graphics processor lacks run on the other one.
    await (getGlobalLiteRtPromise() ?? loadLiteRt(folder, { jspi: gpu }));
  } catch (error) {
    throw new Problem("The runtime of the network could not be loaded.", error);
  }
  return gpu;
}

async function hasGpu() {
  try {
    return Boolean(await navigator.gpu?.requestAdapter());
  } catch {
    return false;
  }
}

/** A `.tflite` model with one input. */
export class Model {
  /** @param accelerator "wasm" or "webgpu". */
  static async compile(content, accelerator = "wasm") {
    // Half precision would count pixels to 2,048 only.
    const gpuOptions = accelerator === "webgpu" ? { precision: "fp32" } : {};
    return new Model(await loadAndCompile(content, { accelerator, gpuOptions }), accelerator);
  }

  constructor(compiled, accelerator) {
    this.accelerator = accelerator;
    this.compiled = compiled;
    this.inputShape = Array.from(compiled.getInputDetails()[0].shape);
    this.outputs = compiled.getOutputDetails().map(({ name, shape }) => ({
      name,
      shape: Array.from(shape),
    }));
  }

  /** Returns the outputs of an input, a Float32Array: by name, {shape, values}. */
  async run(input) {
    const tensor = new Tensor(input, this.inputShape);
    let results = [];
    try {
      results = await this.compiled.run([tensor]);
      const named = {};
      for (const [number, { name, shape }] of this.outputs.entries()) {
        named[name] = { shape, values: Float32Array.from(await results[number].data()) };
      }
      return named;
    } finally {
      tensor.delete();
      for (const result of results) result.delete();
    }
  }

  delete() {
    this.compiled.delete();
  }
}

/**
 * Compiles a model for WebGPU if that gives the same and is faster, else for the processor.
 *
 * @param example an input to compare on.
 * @param isSame says whether two answers are the same.
 */
export async function compileFastest(content, gpu, example, isSame) {
  const processor = await Model.compile(content);
  if (!gpu) return processor;
  let graphics = null;
  try {
    graphics = await Model.compile(content, "webgpu");
    const [expected, usual] = await timed(processor, example);
    const [received, faster] = await timed(graphics, example);
    if (isSame(expected, received) && faster < usual) {
      processor.delete();
      return graphics;
    }
  } catch (error) {
    console.info("WebGPU does not run this network:", error);
  }
  graphics?.delete();
  return processor;
}

/** Returns an answer of a model, and how many milliseconds it takes once it is warm. */
async function timed(model, input) {
  const answer = await model.run(input);
  const end = performance.now() + WARM_UP;
  let best = Infinity;
  for (let began = 0; began < end; ) {
    began = performance.now();
    await model.run(input);
    best = Math.min(best, performance.now() - began);
  }
  return [answer, best];
}
