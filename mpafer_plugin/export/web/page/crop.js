// Alignment and crops as faces/alignment.py computes them. A matrix is
// [a, b, c, d, e, f]: x' = a x + b y + c, y' = d x + e y + f.

const TEMPLATE_SIDE = 112;
const TEMPLATE = [
  [38.2946, 51.6963],
  [73.5318, 51.5014],
  [56.0252, 71.7366],
  [41.5493, 92.3655],
  [70.7299, 92.2041],
];
const LIMIT = 2 ** 15 - 1;

export function cropMatrix({box, landmarks}, {size, margin, align}) {
  return align
    ? aligningMatrix(landmarks, size, margin)
    : boxMatrix(box, size, margin);
}

// The least-squares similarity of five points with the template.
function aligningMatrix(points, size, margin) {
  const scale = size / ((1 + 2 * margin) * TEMPLATE_SIDE);
  const target = TEMPLATE.map((point) => point.map((value) => (
    (value + 0.5 + margin * TEMPLATE_SIDE) * scale - 0.5
  )));
  const [mx, my] = mean(points);
  const [ux, uy] = mean(target);
  let spread = 0, real = 0, imaginary = 0;
  points.forEach(([px, py], i) => {
    const x = px - mx, y = py - my;
    const u = target[i][0] - ux, v = target[i][1] - uy;
    spread += x * x + y * y;
    real += x * u + y * v;
    imaginary += x * v - y * u;
  });
  if (spread === 0) throw new Error('all landmarks are at one point');
  const a = real / spread, b = imaginary / spread;
  return [a, -b, ux - a * mx + b * my, b, a, uy - b * mx - a * my];
}

function mean(points) {
  return [0, 1].map((axis) => (
    points.reduce((sum, point) => sum + point[axis], 0) / points.length
  ));
}

function boxMatrix([x, y, width, height], size, margin) {
  const scale = size / (Math.max(width, height) * (1 + 2 * margin));
  const shift = (middle) => (size - 1) / 2 - scale * (middle - 0.5);
  return [scale, 0, shift(x + width / 2), 0, scale, shift(y + height / 2)];
}

export function invert([a, b, c, d, e, f]) {
  const det = a * e - b * d;
  const [p, q, r, s] = [e / det, -b / det, -d / det, a / det];
  return [p, q, -p * c - q * f, r, s, -r * c - s * f];
}

// Warp a part of an image to a square; black outside of the image. Samples
// are as dense as the image and averaged, to avoid aliasing.
export function cutOut(image, matrix, size) {
  const scale = Math.hypot(matrix[0], matrix[3]);
  if (scale * LIMIT <= size) throw new Error('the face is too large');
  const density = Math.max(1, Math.ceil(1 / scale));
  const [a, b, c, d, e, f] = invert(matrix);
  const reach = (size * Math.SQRT1_2) / scale; // of the corners
  const middle = (size - 1) / 2;
  const x = (a + b) * middle + c, y = (d + e) * middle + f;
  if (
    Math.max(x - image.width, y - image.height, -x, -y) > reach
  ) throw new Error('the face is outside of the image');
  const data = new Uint8ClampedArray(size * size * 4);
  const sum = [0, 0, 0];
  const count = density * density;
  for (let row = 0, to = 0; row < size; row++) {
    for (let column = 0; column < size; column++, to += 4) {
      sum.fill(0);
      for (let i = 0; i < density; i++) {
        const v = row + (i + 0.5) / density - 0.5;
        for (let k = 0; k < density; k++) {
          const u = column + (k + 0.5) / density - 0.5;
          sample(image, a * u + b * v + c, d * u + e * v + f, sum);
        }
      }
      for (let channel = 0; channel < 3; channel++) {
        // OpenCV rounds halves up if it averages 2 x 2, else to even.
        const mean = sum[channel] / count;
        data[to + channel] = density === 2 ? Math.floor(mean + 0.5) : mean;
      }
    }
  }
  return {width: size, height: size, data};
}

// Add the bilinear interpolation at a point, in whole numbers, to `sum`.
function sample({width, height, data}, x, y, sum) {
  const left = Math.floor(x), top = Math.floor(y);
  const across = x - left, down = y - top;
  let red = 0.5, green = 0.5, blue = 0.5;
  for (let i = 0; i < 2; i++) {
    const row = top + i;
    if (row < 0 || row >= height) continue;
    for (let k = 0; k < 2; k++) {
      const column = left + k;
      if (column < 0 || column >= width) continue;
      const weight = (i ? down : 1 - down) * (k ? across : 1 - across);
      const from = (row * width + column) * 4;
      red += weight * data[from];
      green += weight * data[from + 1];
      blue += weight * data[from + 2];
    }
  }
  sum[0] += Math.floor(red);
  sum[1] += Math.floor(green);
  sum[2] += Math.floor(blue);
}
