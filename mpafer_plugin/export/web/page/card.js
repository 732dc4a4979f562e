// An image with its faces: boxes over it, and beside it a row for each face.
import {largest} from './results.js';
import {Timeline} from './timeline.js';

const MANY = 2; // faces that fit beside an image
const SIDES = [360, 1280]; // least and most of the longer side as drawn

export class Card {
  // `model` is {classes, colours, grid}. `live` is a camera: mirrored, and
  // with a timeline for each face.
  constructor(name, model, live = false) {
    this.model = model;
    this.live = live;
    this.rows = new Map();
    this.root = make('article', 'card');
    this.root.ariaBusy = true;
    this.title = make('h3', '', name);
    this.facts = make('p', 'facts', 'Waiting…');
    const head = make('header');
    head.append(this.title, this.facts);
    this.stage = make('div', live ? 'stage mirrored' : 'stage');
    this.image = make('canvas');
    this.image.role = 'img';
    this.image.ariaLabel = name;
    this.patches = make('canvas', 'patches');
    this.patches.ariaHidden = true;
    this.stage.append(this.image, this.patches);
    this.list = make('ol', 'faces');
    this.root.append(head, this.stage, this.list);
  }

  // Draw an image, of `width` x `height` pixels, without faces.
  draw(source, width, height) {
    const longer = Math.max(width, height);
    const drawn = Math.min(SIDES[1], Math.max(SIDES[0], longer));
    this.scale = drawn / longer;
    this.size = {width, height};
    const {image} = this;
    image.width = Math.round(width * this.scale);
    image.height = Math.round(height * this.scale);
    image.getContext('2d').drawImage(source, 0, 0, image.width, image.height);
  }

  // Show the faces, each with an `id`; rows of earlier faces are updated, so
  // that focus stays where it is. `time` is of a camera's frame, in seconds.
  show(faces, facts, time) {
    this.facts.textContent = facts;
    this.root.ariaBusy = false;
    const ids = new Set(faces.map((face) => face.id));
    for (const [id, row] of this.rows) {
      if (!ids.has(id)) {
        row.remove();
        this.rows.delete(id);
      }
    }
    for (const face of faces) {
      if (!this.rows.has(face.id)) {
        this.rows.set(face.id, new FaceRow(face.id, this));
      }
      this.rows.get(face.id).update(face, time);
    }
    if (!this.live) this.root.classList.toggle('many', faces.length > MANY);
    this.overlay();
  }

  // Darken all patches of the face in `focus` but those that decided.
  overlay() {
    const {image, patches} = this;
    const face = this.rows.get(this.focus)?.face;
    const shown = face?.chosen.length;
    patches.width = shown ? image.width : 0; // clears it, and frees memory
    patches.height = shown ? image.height : 0;
    if (!shown) return;
    const context = patches.getContext('2d');
    const [a, b, c, d, e, f] = face.matrix;
    const [rows, columns] = this.model.grid;
    const [width, height] = face.cropSize;
    // From edges of the crop to edges of the canvas.
    const x = c + (1 - a - b) / 2, y = f + (1 - d - e) / 2;
    context.setTransform(
      ...[a, d, b, e, x, y].map((value) => value * this.scale),
    );
    const rest = new Path2D();
    const chosen = new Path2D();
    for (let patch = 0; patch < rows * columns; patch++) {
      const path = face.chosen.includes(patch) ? chosen : rest;
      path.rect(
        ((patch % columns) * width) / columns,
        (Math.floor(patch / columns) * height) / rows,
        width / columns, height / rows,
      );
    }
    context.fillStyle = 'rgb(8 12 20 / 72%)';
    context.fill(rest);
    context.lineWidth = width / columns / 14;
    context.strokeStyle = 'rgb(255 255 255 / 70%)';
    context.stroke(chosen);
  }
}

class FaceRow {
  constructor(id, card) {
    this.card = card;
    const {classes, colours} = card.model;
    this.box = make('button', 'box');
    this.box.type = 'button';
    this.tag = make('span', 'tag');
    this.box.append(this.tag);
    card.stage.append(this.box);

    this.item = make('li', 'face');
    this.name = make('h4');
    const table = make('table');
    table.ariaLabel = `Probabilities of face ${id}`;
    this.cells = classes.map((name, i) => {
      const row = table.insertRow();
      const head = make('th', '', name);
      head.scope = 'row';
      const bar = make('span', 'fill');
      bar.style.background = colours[i];
      const track = make('td', 'track');
      track.append(bar);
      const value = make('td', 'value');
      row.append(head, track, value);
      return {row, bar, value};
    });
    this.item.append(this.name, table);
    if (card.live) {
      this.timeline = new Timeline(colours);
      this.item.append(this.timeline.root);
    }
    card.list.append(this.item);

    const enter = () => this.highlight(true);
    const leave = () => this.highlight(false);
    for (const part of [this.box, this.item]) {
      part.addEventListener('pointerenter', enter);
      part.addEventListener('pointerleave', leave);
    }
    this.box.addEventListener('focus', enter);
    this.box.addEventListener('blur', leave);
    this.id = id;
  }

  highlight(on) {
    const {card} = this;
    if (!on && document.activeElement === this.box) return;
    for (const row of card.rows.values()) {
      const is = on && row === this;
      row.item.classList.toggle('current', is);
      row.box.classList.toggle('current', is);
    }
    card.focus = on ? this.id : null;
    card.overlay();
  }

  update(face, time) {
    this.face = face;
    const {card, box} = this;
    const {classes, colours} = card.model;
    const label = largest(face.probabilities);
    const text = `${this.id} ${classes[label]}`;
    const share = percent(face.probabilities[label]);
    this.name.textContent = text;
    this.tag.textContent = text;
    box.ariaLabel = `Face ${this.id}: ${classes[label]}, ${share}`;
    box.style.setProperty('--colour', colours[label]);
    this.item.style.setProperty('--colour', colours[label]);
    const [x, y, width, height] = face.box;
    const left = card.live ? card.size.width - x - width : x;
    const place = {
      left: left / card.size.width, top: y / card.size.height,
      width: width / card.size.width, height: height / card.size.height,
    };
    for (const [side, value] of Object.entries(place)) {
      box.style[side] = `${100 * value}%`;
    }
    face.probabilities.forEach((value, i) => {
      const {row, bar, value: cell} = this.cells[i];
      bar.style.width = `${100 * value}%`;
      cell.textContent = percent(value);
      row.className = i === label ? 'best' : '';
    });
    this.timeline?.add(time, face.probabilities);
  }

  remove() {
    if (this.card.focus === this.id) this.card.focus = null;
    this.box.remove();
    this.item.remove();
  }
}

const percent = (share) => `${Math.round(100 * share)} %`;

export function make(tag, className = '', text = '') {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
