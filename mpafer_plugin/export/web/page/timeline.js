// The last half minute of a face: shares of the classes, stacked.
const SPAN = 30; // seconds
const SIZE = [600, 96];

export class Timeline {
  constructor(colours) {
    this.colours = colours;
    this.points = [];
    this.root = document.createElement('figure');
    this.root.className = 'timeline';
    this.canvas = document.createElement('canvas');
    [this.canvas.width, this.canvas.height] = SIZE;
    this.canvas.role = 'img';
    this.canvas.ariaLabel = 'Smoothed probabilities of the last 30 seconds';
    const caption = document.createElement('figcaption');
    caption.textContent = 'last 30 s, smoothed';
    this.root.append(this.canvas, caption);
  }

  add(time, shares) {
    this.points.push({time, shares});
    while (this.points[0].time < time - SPAN) this.points.shift();
    const [width, height] = SIZE;
    const context = this.canvas.getContext('2d');
    context.clearRect(0, 0, width, height);
    const xs = this.points.map((point) => (
      width * (1 - (time - point.time) / SPAN)
    ));
    let lower = this.points.map(() => height);
    this.colours.forEach((colour, i) => {
      const upper = this.points.map((point, k) => (
        lower[k] - height * point.shares[i]
      ));
      context.beginPath();
      xs.forEach((x, k) => context.lineTo(x, upper[k]));
      for (let k = xs.length - 1; k >= 0; k--) context.lineTo(xs[k], lower[k]);
      context.fillStyle = colour;
      context.fill();
      lower = upper;
    });
  }
}
