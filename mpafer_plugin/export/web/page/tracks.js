// Faces followed from frame to frame, with smoothed probabilities, as
// apis/face_smoother.py follows them; by time, since frames come unevenly.
import {overlap} from './detector.js';

const LEAST_OVERLAP = 0.3;
const PATIENCE = 1; // seconds after which a lost face is forgotten
const MEMORY = 0.5; // seconds in which the past loses weight by a factor e

export class Tracks {
  constructor() {
    this.tracks = [];
  }

  // Give each face of the next frame the `id` of its track, and smooth its
  // probabilities. `time` is in seconds.
  update(faces, time) {
    const pairs = faces.flatMap((face) => this.tracks.map((track) => (
      {face, track, share: overlap(face.box, track.box)}
    ))).filter(({share}) => share >= LEAST_OVERLAP);
    pairs.sort((a, b) => b.share - a.share);
    const matched = new Map();
    const taken = new Set();
    for (const {face, track} of pairs) {
      if (matched.has(face) || taken.has(track)) continue;
      matched.set(face, track);
      taken.add(track);
    }
    for (const face of faces) {
      let track = matched.get(face);
      if (!track) {
        const {probabilities} = face;
        track = {id: this.freeId(), probabilities, time};
        this.tracks.push(track);
      }
      const past = Math.exp((track.time - time) / MEMORY);
      face.probabilities = face.probabilities.map((value, i) => (
        past * track.probabilities[i] + (1 - past) * value
      ));
      face.id = track.id;
      const {box, probabilities} = face;
      Object.assign(track, {box, probabilities, time});
    }
    this.tracks = this.tracks.filter((track) => time - track.time <= PATIENCE);
  }

  // The smallest number that no track has.
  freeId() {
    const taken = this.tracks.map((track) => track.id);
    let id = 1;
    while (taken.includes(id)) id++;
    return id;
  }
}
