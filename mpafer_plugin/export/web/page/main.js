// The page: inputs, messages and downloads.
import {Camera, countOf} from './camera.js';
import {Card, make} from './card.js';
import {coloursOf} from './colours.js';
import {download, faceResult, toCsv, toJson} from './results.js';

const byId = (id) => document.getElementById(id);
const worker = new Worker(
  new URL(`worker.js${location.search}`, import.meta.url), {type: 'module'},
);
const waiting = new Map(); // id of a request to its promise's functions
let requests = 0;
let model = null; // {classes, colours, grid}
let results = []; // as toJson takes them
let camera = null;
let queue = Promise.resolve(); // images are analysed in order

worker.onmessage = ({data}) => {
  if (data.kind === 'progress') return showProgress(data);
  if (data.kind === 'ready') return ready(data);
  if (data.kind === 'failed') return failed(data.reason);
  const {resolve, reject} = waiting.get(data.id);
  waiting.delete(data.id);
  return data.reason ? reject(new Error(data.reason)) : resolve(data);
};
worker.onerror = (event) => failed(event.message ?? 'the script is missing');

function showProgress({path, loaded, total}) {
  if (!path.endsWith('model.onnx')) return; // the others are small
  const bar = byId('progress');
  bar.hidden = false;
  if (total >= loaded) {
    bar.max = total;
    bar.value = loaded;
  }
  const size = `${(loaded / 1e6).toFixed(1)} MB`;
  say(`Loading the model, ${size}`);
}

function failed(reason) {
  byId('progress').hidden = true;
  say('');
  complain(`The model cannot be loaded: ${reason}`);
}

function ready({metadata, device}) {
  const {classes, grid, checkpoint} = metadata;
  model = {classes, grid, colours: coloursOf(classes)};
  byId('progress').hidden = true;
  byId('inputs').hidden = false;
  const {top_k: chosen} = metadata;
  byId('hint').textContent = grid && chosen
    ? `Point at a face, or move to it by the Tab key: of its `
      + `${grid[0] * grid[1]} patches, the ${chosen} stay bright that are `
      + 'most similar to the text of the predicted class.'
    : '';
  const facts = {
    Checkpoint: checkpoint?.file,
    Date: checkpoint?.date,
    Classes: classes.join(', '),
    Precision: metadata.precision,
    'Runs on': device,
    License: `${metadata.license} onnxruntime-web and YuNet are under the MIT `
      + 'License.',
  };
  if (!metadata.crop_known) {
    facts['Face crop'] = 'That of the training is not known. Faces are '
      + 'cropped by the default, and accuracy suffers where crops differ.';
  }
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined) continue;
    byId('facts').append(make('dt', '', name), make('dd', '', value));
  }
  const drawn = metadata.examples.map((name) => exampleOf(name));
  byId('examples').append(...drawn);
  say(`Ready, on ${device}.`);
}

function exampleOf(name) {
  const path = `examples/${name}.jpg`;
  const button = make('button');
  button.type = 'button';
  const image = make('img');
  Object.assign(image, {src: path, alt: '', width: 72, height: 72});
  button.append(image, make('span', '', name));
  button.ariaLabel = `Drawn face: ${name}`;
  // Drawn faces fill their image, and landmarks of drawings are unsure.
  button.onclick = async () => add(
    `drawn ${name}`, await (await fetch(path)).blob(), false,
  );
  const item = make('li');
  item.append(button);
  return item;
}

const say = (text) => { byId('status').textContent = text; };

function complain(text) {
  const item = make('li', '', text);
  const close = make('button', 'close', '×');
  close.type = 'button';
  close.ariaLabel = 'Close this message';
  close.onclick = () => item.remove();
  item.append(close);
  byId('errors').append(item);
}

function analyse(bitmap, find = byId('find').checked) {
  const id = requests++;
  return new Promise((resolve, reject) => {
    waiting.set(id, {resolve, reject});
    worker.postMessage({id, bitmap, find}, [bitmap]);
  });
}

function add(name, blob, find = byId('find').checked) {
  queue = queue.then(() => analyseFile(name, blob, find));
  return queue;
}

async function analyseFile(name, blob, find) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, {colorSpaceConversion: 'none'});
  } catch {
    complain(`${name}: this browser cannot read it as an image.`);
    return;
  }
  const card = new Card(name, model);
  card.draw(bitmap, bitmap.width, bitmap.height);
  byId('cards').prepend(card.root);
  byId('results').hidden = false;
  say(`Analysing ${name}`);
  try {
    const {faces, lost, seconds} = await analyse(bitmap, find);
    faces.forEach((face, i) => { face.id = i + 1; });
    const count = countOf(faces, lost);
    card.show(faces, `${count} in ${seconds.toFixed(2)} s`);
    results.push({
      path: name,
      faces: faces.map((face) => faceResult(face, model.classes)),
    });
    const found = faces.map((face) => (
      faceResult(face, model.classes).pred_class
    ));
    say(`${name}: ${count}${found.length ? `: ${found.join(', ')}` : ''}.`);
  } catch (error) {
    card.root.remove();
    complain(`${name}: ${error.message}`);
  }
}

function addFiles(files) {
  if (!model) return complain('The model is still loading.');
  for (const file of files) add(file.name, file);
  return undefined;
}

async function switchCamera() {
  const button = byId('camera');
  if (camera) return camera.stop();
  camera = new Camera(analyse, model);
  button.disabled = true;
  try {
    await camera.start();
  } catch (error) {
    complain(`The camera cannot be used: ${error.message}`);
    camera = null;
    return undefined;
  } finally {
    button.disabled = false;
  }
  button.textContent = 'Stop camera';
  button.ariaPressed = true;
  byId('cards').prepend(camera.card.root);
  byId('results').hidden = false;
  say('The camera is on.');
  const {results: frames} = camera;
  try {
    await camera.run();
    say(`The camera is off after ${frames.length} frames.`);
  } catch (error) {
    camera.stop();
    complain(`Camera: ${error.message}`);
  }
  results.push(...frames);
  camera = null;
  button.textContent = 'Start camera';
  button.ariaPressed = false;
  return undefined;
}

const all = () => [...results, ...camera?.results ?? []];

byId('open').onclick = () => byId('files').click();
byId('files').onchange = ({target}) => {
  addFiles(target.files);
  target.value = '';
};
byId('camera').onclick = switchCamera;
byId('json').onclick = () => (
  download('predictions.json', toJson(all()), 'application/json')
);
byId('csv').onclick = () => (
  download('predictions.csv', toCsv(all(), model.classes), 'text/csv')
);
byId('clear').onclick = () => {
  if (camera) {
    camera.results.length = 0;
    camera.stop();
  }
  results = [];
  byId('cards').replaceChildren();
  byId('results').hidden = true;
  say('Cleared.');
  byId('open').focus();
};

document.addEventListener('paste', ({clipboardData}) => {
  addFiles(clipboardData.files);
});
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
document.addEventListener('dragleave', ({relatedTarget}) => {
  if (!relatedTarget) document.body.classList.remove('dropping');
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  if (event.dataTransfer.files.length) addFiles(event.dataTransfer.files);
  else complain('What was dropped is no file: save the image first.');
});
