// Runs the two networks beside the page, so that the page stays responsive.
//
// In: {id, bitmap, find}. Out: {kind: 'progress', loaded, total}, {kind:
// 'ready', metadata, device}, {kind: 'failed', reason}, and for each image
// {kind: 'answer', id, faces, lost, seconds} or {kind: 'answer', id, reason}.
import {cropMatrix, cutOut, invert} from './crop.js';
import {Detector} from './detector.js';
import {resize, writePlanes} from './pixels.js';

const RUNTIME = new URL('../ort/', import.meta.url).href;
const BATCH = 8; // faces

const loading = load();

let last = loading.catch(() => {}); // failures are reported by load()

self.onmessage = ({data}) => {
  last = last.then(() => answer(data)); // one after the other
};

async function answer({id, bitmap, find}) {
  try {
    const models = await loading;
    const start = performance.now();
    const found = await predict(models, pixelsOf(bitmap), find);
    const seconds = (performance.now() - start) / 1000;
    self.postMessage({kind: 'answer', id, ...found, seconds});
  } catch (error) {
    self.postMessage({kind: 'answer', id, reason: error.message});
  }
}

async function load() {
  try {
    const files = {
      metadata: get('../model.json').then((answer) => answer.json()),
      model: download('../model.onnx'),
      yunet: download('yunet.onnx'),
    };
    // All load at once, and each is waited for where it is needed.
    for (const file of Object.values(files)) file.catch(() => {});
    const models = await start(files);
    const {metadata, device} = models;
    self.postMessage({kind: 'ready', metadata, device});
    return models;
  } catch (error) {
    self.postMessage({kind: 'failed', reason: error.message});
    throw error;
  }
}

async function get(path) {
  const answer = await fetch(new URL(path, import.meta.url));
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
  return answer;
}

async function download(path) {
  const answer = await get(path);
  const total = Number(answer.headers.get('Content-Length'));
  const parts = [];
  let loaded = 0;
  for (const reader = answer.body.getReader(); ;) {
    const {done, value} = await reader.read();
    if (done) break;
    parts.push(value);
    loaded += value.length;
    self.postMessage({kind: 'progress', path, loaded, total});
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

// ?device=wasm in the page's address leaves out WebGPU; ?device=webgpu takes
// a software renderer too.
async function start(files) {
  const wanted = new URL(self.location).searchParams.get('device');
  let reason = '';
  if (wanted !== 'wasm') {
    const adapter = await navigator.gpu?.requestAdapter();
    const software = adapter?.info?.isFallbackAdapter;
    if (adapter && (wanted === 'webgpu' || !software)) {
      try {
        return await open('webgpu', files);
      } catch (error) {
        reason = ` (WebGPU: ${error.message})`;
      }
    }
  }
  const models = await open('wasm', files);
  models.device += reason;
  return models;
}

async function open(device, files) {
  const ort = await import(`${RUNTIME}ort.${device}.min.mjs`);
  ort.env.wasm.wasmPaths = RUNTIME;
  const options = {executionProviders: [device], logSeverityLevel: 3};
  const create = async (file) => (
    ort.InferenceSession.create(await file, options)
  );
  // One by one, as WebGPU requires; the smaller file is there first.
  const finder = await create(files.yunet);
  const classifier = await create(files.model);
  const metadata = await files.metadata;
  // At most 4 and half of the cores, or 1 if the page is not isolated.
  const threads = ort.env.wasm.numThreads;
  const models = {
    ort, metadata, classifier,
    detector: new Detector(ort, finder, metadata.crop),
    device: device === 'webgpu' ? 'WebGPU'
      : `CPU, ${threads} thread${threads > 1 ? 's' : ''}`,
  };
  // The first run is slow: here nobody waits for it.
  await predict(models, new ImageData(64, 64), false);
  await predict(models, new ImageData(64, 64), true);
  return models;
}

function pixelsOf(bitmap) {
  const {width, height} = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

// Detect and classify the faces of an image as FERInferencer does; `lost` is
// the number of faces that cannot be cropped.
async function predict(models, image, find) {
  const {width, height} = image;
  let faces = [{
    box: [0, 0, width, height], landmarks: null, score: null,
    matrix: [1, 0, 0, 0, 1, 0], cropSize: [width, height], crop: image,
  }];
  let lost = 0;
  if (find) {
    const {crop: config} = models.metadata;
    faces = [];
    for (const face of await models.detector.detect(image)) {
      try {
        const matrix = cropMatrix(face, config);
        const crop = cutOut(image, matrix, config.size);
        const cropSize = [config.size, config.size];
        faces.push({...face, matrix: invert(matrix), cropSize, crop});
      } catch {
        lost++;
      }
    }
  }
  for (let i = 0; i < faces.length; i += BATCH) {
    await classify(models, faces.slice(i, i + BATCH));
  }
  for (const face of faces) delete face.crop;
  return {faces, lost};
}

// Add probabilities (C,) and the numbers of the patches that decided.
async function classify({ort, metadata, classifier}, faces) {
  const [height, width] = metadata.input.size;
  const how = metadata.input.interpolation;
  const length = 3 * height * width;
  const pixels = new Float32Array(faces.length * length);
  faces.forEach((face, i) => {
    const input = resize(face.crop, width, height, how);
    const part = pixels.subarray(i * length, (i + 1) * length);
    writePlanes(input, [0, 1, 2], part, width, height);
  });
  const image = new ort.Tensor(
    'float32', pixels, [faces.length, 3, height, width],
  );
  const {probabilities, patches} = await classifier.run({image});
  const classes = metadata.classes.length;
  faces.forEach((face, i) => {
    const own = probabilities.data.slice(i * classes, (i + 1) * classes);
    if (!own.every(Number.isFinite)) {
      throw new Error("the model's scores are not finite");
    }
    face.probabilities = Array.from(own);
    face.chosen = [];
    if (!patches || !metadata.top_k) return; // no patch decides
    const label = own.indexOf(Math.max(...own));
    const count = patches.dims[1];
    const score = (patch) => (
      patches.data[(i * count + patch) * classes + label]
    );
    face.chosen = Array.from({length: count}, (_, patch) => patch)
      .sort((a, b) => score(b) - score(a))
      .slice(0, metadata.top_k);
  });
}
