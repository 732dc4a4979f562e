// YuNet as OpenCV's FaceDetectorYN and faces/yunet.py run it.
import {resize, writePlanes} from './pixels.js';

const STRIDES = [8, 16, 32];
const COARSE_SIDE = 256; // of the pass for large faces
const MIN_SIDE = 64;
const NMS_IOU = 0.3;

export class Detector {
  // `crop` is the crop config of the training.
  constructor(ort, session, crop) {
    Object.assign(this, {ort, session, crop});
  }

  // Faces {box: [x, y, width, height], landmarks: five [x, y], score} of an
  // image, by descending score. Edges of boxes are at whole numbers, but
  // landmarks are relative to centres of pixels.
  async detect(image) {
    const longer = Math.max(image.width, image.height);
    const faces = await this.detectAt(image, COARSE_SIDE / longer);
    if (longer > COARSE_SIDE) {
      const scale = Math.min(1, this.crop.longest_side / longer);
      faces.push(...await this.detectAt(image, scale));
    }
    return suppress(faces, (face) => face.box);
  }

  async detectAt(image, scale) {
    const width = Math.max(1, roundToEven(image.width * scale));
    const height = Math.max(1, roundToEven(image.height * scale));
    const how = scale < 1 ? 'area' : 'bicubic';
    const found = await this.run(resize(image, width, height, how));
    // Each side is rounded to whole pixels separately.
    const across = image.width / width;
    const down = image.height / height;
    return found.map(({box: [x, y, w, h], landmarks, score}) => ({
      box: [x * across, y * down, w * across, h * down],
      landmarks: landmarks.map(([x, y]) => (
        [(x + 0.5) * across - 0.5, (y + 0.5) * down - 0.5]
      )),
      score,
    }));
  }

  async run(image) {
    const width = padded(image.width);
    const height = padded(image.height);
    const pixels = new Float32Array(3 * width * height);
    writePlanes(image, [2, 1, 0], pixels, width, height); // BGR
    const input = new this.ort.Tensor('float32', pixels, [1, 3, height, width]);
    const outputs = await this.session.run({input});
    const faces = STRIDES.flatMap((stride) => (
      decode(outputs, stride, width / stride, this.crop.score_threshold)
    ));
    // OpenCV compares whole numbers here.
    return suppress(faces, (face) => face.box.map(Math.trunc));
  }
}

const padded = (side) => Math.max(MIN_SIDE, Math.ceil(side / 32) * 32);

// As Python rounds.
export function roundToEven(x) {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 ? up - 1 : up;
}

function decode(outputs, stride, columns, threshold) {
  const [cls, obj, bbox, kps] = ['cls', 'obj', 'bbox', 'kps'].map((name) => (
    outputs[`${name}_${stride}`].data
  ));
  const faces = [];
  for (let i = 0; i < cls.length; i++) {
    const score = Math.sqrt(clamp(cls[i]) * clamp(obj[i]));
    if (score < threshold) continue;
    const column = i % columns;
    const row = Math.floor(i / columns);
    const width = Math.exp(bbox[4 * i + 2]) * stride;
    const height = Math.exp(bbox[4 * i + 3]) * stride;
    const x = (column + bbox[4 * i]) * stride - width / 2;
    const y = (row + bbox[4 * i + 1]) * stride - height / 2;
    const landmarks = [0, 1, 2, 3, 4].map((k) => [
      (column + kps[10 * i + 2 * k]) * stride,
      (row + kps[10 * i + 2 * k + 1]) * stride,
    ]);
    faces.push({box: [x, y, width, height], landmarks, score});
  }
  return faces;
}

const clamp = (x) => Math.min(1, Math.max(0, x));

// Non-maximum suppression.
function suppress(faces, boxOf) {
  const kept = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score)) {
    const box = boxOf(face);
    if (kept.every((other) => overlap(box, boxOf(other)) <= NMS_IOU)) {
      kept.push(face);
    }
  }
  return kept;
}

// Intersection over union of two boxes, x, y, width and height.
export function overlap([x, y, w, h], [x2, y2, w2, h2]) {
  const across = Math.min(x + w, x2 + w2) - Math.max(x, x2);
  const down = Math.min(y + h, y2 + h2) - Math.max(y, y2);
  if (across <= 0 || down <= 0) return 0;
  return (across * down) / (w * h + w2 * h2 - across * down);
}
