// The camera: one frame after the other, as fast as they are analysed.
import {Card} from './card.js';
import {faceResult} from './results.js';
import {Tracks} from './tracks.js';

const WISH = {video: {width: {ideal: 640}, height: {ideal: 480}}};

export class Camera {
  // `analyse` takes an ImageBitmap and returns an answer of the worker.
  constructor(analyse, model) {
    this.analyse = analyse;
    this.card = new Card('Camera', model, true);
    this.classes = model.classes;
    this.tracks = new Tracks();
    this.results = [];
  }

  // Returns when the camera is on.
  async start() {
    if (!navigator.mediaDevices) {
      throw new Error('a camera needs https or localhost');
    }
    this.stream = await navigator.mediaDevices.getUserMedia(WISH);
    this.video = document.createElement('video');
    Object.assign(this.video, {muted: true, playsInline: true});
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  // Returns when the camera was stopped, or is gone.
  async run() {
    const begin = performance.now();
    const frame = document.createElement('canvas');
    let before = begin;
    let rate = null;
    const [track] = this.stream.getTracks();
    for (let number = 0; track.readyState === 'live'; number++) {
      await new Promise(requestAnimationFrame);
      const {videoWidth: width, videoHeight: height} = this.video;
      [frame.width, frame.height] = [width, height];
      frame.getContext('2d').drawImage(this.video, 0, 0);
      const time = (performance.now() - begin) / 1000;
      const {faces, lost} = await this.analyse(await createImageBitmap(frame));
      if (track.readyState !== 'live') return;
      this.tracks.update(faces, time);
      const now = performance.now();
      const own = 1000 / (now - before);
      rate = rate === null ? own : 0.9 * rate + 0.1 * own;
      before = now;
      this.card.draw(frame, width, height);
      const text = `${rate.toFixed(1)} frames/s, ${countOf(faces, lost)}`;
      this.card.show(faces, text, time);
      this.results.push({
        path: null, frame: number, time,
        faces: faces.map((face) => faceResult(face, this.classes)),
      });
    }
  }

  stop() {
    for (const track of this.stream.getTracks()) track.stop();
  }
}

export function countOf(faces, lost) {
  const count = faces.length === 1 ? '1 face' : `${faces.length} faces`;
  return lost ? `${count}, ${lost} more cannot be cropped` : count;
}
