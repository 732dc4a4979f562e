// Results in the form of `mpafer predict`: apis/fer_results.py.

const BOX = ['x1', 'y1', 'x2', 'y2'];
const POINTS = ['right_eye', 'left_eye', 'nose', 'mouth_right', 'mouth_left'];
const LANDMARKS = POINTS.flatMap((name) => [`${name}_x`, `${name}_y`]);
const PREDICTION = ['pred_class', 'pred_label', 'pred_score'];

export function faceResult({box, score, landmarks, probabilities}, classes) {
  const [x, y, width, height] = box;
  const label = largest(probabilities);
  return {
    bbox: [x, y, x + width, y + height],
    face_score: score,
    landmarks,
    pred_class: classes[label],
    pred_label: label,
    pred_score: probabilities[label],
    probs: Object.fromEntries(classes.map((name, i) => (
      [name, probabilities[i]]
    ))),
    pred_scores: probabilities,
  };
}

export function largest(values) {
  return values.indexOf(Math.max(...values));
}

// `images` are {path, faces} and, from a camera, {path, frame, time, faces}.
export function toJson(images) {
  return `${JSON.stringify(images, null, 1)}\n`;
}

export function toCsv(images, classes) {
  const probabilities = classes.map((name) => `prob_${name}`);
  const head = [
    'picture', 'path', 'frame', 'time', 'face', ...BOX, 'face_score',
    ...LANDMARKS, ...PREDICTION, ...probabilities,
  ];
  const rows = images.flatMap(({path, frame, time, faces}, number) => {
    const image = [number, path, frame, time];
    if (!faces.length) return [image];
    return faces.map((face, index) => [
      ...image, index, ...face.bbox, face.face_score,
      ...(face.landmarks ?? POINTS.map(() => [null, null])).flat(),
      ...PREDICTION.map((key) => face[key]), ...face.pred_scores,
    ]);
  });
  return [head, ...rows].map((row) => (
    `${head.map((_, i) => cell(row[i])).join(',')}\r\n`
  )).join('');
}

function cell(value) {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function download(name, text, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
