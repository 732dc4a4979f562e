// Images are ImageData or alike: {width, height, data}, RGBA bytes, whose
// alpha is ignored. Everything here does what OpenCV does in training.

// Pixels that an output pixel is made of, along one axis: the first of them
// and their weights.
function areaTaps(from, to) {
  const scale = from / to;
  return Array.from({length: to}, (_, i) => {
    const start = i * scale;
    const end = Math.min(from, start + scale);
    const first = Math.floor(start);
    const weights = [];
    for (let x = first; x < end - 1e-9; x++) {
      const overlap = Math.min(end, x + 1) - Math.max(start, x);
      weights.push(overlap / (end - start));
    }
    return {first, weights};
  });
}

const CUBIC = -0.75; // OpenCV's

function cubic(distance) {
  const x = Math.abs(distance);
  if (x <= 1) return ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
  if (x < 2) return ((CUBIC * x - 5 * CUBIC) * x + 8 * CUBIC) * x - 4 * CUBIC;
  return 0;
}

const KERNELS = {
  bilinear: {reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x))},
  bicubic: {reach: 2, weight: cubic},
};

// Without anti-aliasing, as OpenCV.
function kernelTaps(from, to, name) {
  const {reach, weight} = KERNELS[name];
  return Array.from({length: to}, (_, i) => {
    const centre = ((i + 0.5) * from) / to - 0.5;
    const first = Math.floor(centre) - reach + 1;
    const weights = [];
    for (let x = first; x < first + 2 * reach; x++) {
      weights.push(weight(x - centre));
    }
    return {first, weights};
  });
}

// `interpolation` is 'bilinear', 'bicubic' or, to shrink, 'area'.
export function resize(image, width, height, interpolation) {
  if (width === image.width && height === image.height) return image;
  const taps = interpolation === 'area' ? areaTaps : kernelTaps;
  const columns = taps(image.width, width, interpolation);
  const rows = taps(image.height, height, interpolation);
  const last = image.width - 1;
  const wide = new Float32Array(width * image.height * 3);
  for (let y = 0, to = 0; y < image.height; y++) {
    const row = y * image.width;
    for (const {first, weights} of columns) {
      let red = 0, green = 0, blue = 0;
      for (let k = 0; k < weights.length; k++) {
        const x = Math.min(last, Math.max(0, first + k));
        const from = (row + x) * 4;
        red += weights[k] * image.data[from];
        green += weights[k] * image.data[from + 1];
        blue += weights[k] * image.data[from + 2];
      }
      wide[to++] = red;
      wide[to++] = green;
      wide[to++] = blue;
    }
  }
  const data = new Uint8ClampedArray(width * height * 4);
  rows.forEach(({first, weights}, y) => {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) {
          const row = Math.min(image.height - 1, Math.max(0, first + k));
          sum += weights[k] * wide[(row * width + x) * 3 + channel];
        }
        data[(y * width + x) * 4 + channel] = sum;
      }
    }
  });
  return {width, height, data};
}

// Write channels (0 is red) as planes of floats, the image at the top left.
export function writePlanes(image, channels, target, width, height) {
  channels.forEach((channel, number) => {
    for (let y = 0; y < image.height; y++) {
      const row = (number * height + y) * width;
      for (let x = 0; x < image.width; x++) {
        target[row + x] = image.data[(y * image.width + x) * 4 + channel];
      }
    }
  });
}
