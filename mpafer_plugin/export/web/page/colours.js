// One colour for each class, readable on light and on dark ground.
const KNOWN = {
  neutral: '#75839a',
  happiness: '#cf8a00',
  sadness: '#3a7bdc',
  surprise: '#d9579b',
  fear: '#8a62d6',
  disgust: '#3c9450',
  anger: '#d64550',
  contempt: '#169a9a',
};

export function coloursOf(classes) {
  return classes.map((name, i) => (
    KNOWN[name] ?? `hsl(${(i * 137.5) % 360} 55% 48%)`
  ));
}
