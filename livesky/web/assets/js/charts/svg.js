// The few SVG parts the charts share.

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function label(x, y, content, anchor = 'start', kind = '') {
  return svg('text', { x: x.toFixed(1), y: y.toFixed(1), 'text-anchor': anchor, class: kind }, content);
}

export function line(x1, y1, x2, y2, kind) {
  return svg('line', { x1: x1.toFixed(1), y1: y1.toFixed(1), x2: x2.toFixed(1), y2: y2.toFixed(1), class: kind });
}

export function pathOf(points) {
  return points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

/** Round steps from 0 to at least `max`. */
export function ticks(max, count) {
  const raw = Math.max(max, 1e-9) / count;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((candidate) => candidate >= raw);
  const values = [];
  for (let value = 0; value < max + step; value += step) values.push(value);
  return values;
}

/** A frame that redraws when its box changes size; `draw(width, height)` returns nodes. */
export function createChart(box, title, draw) {
  const root = svg('svg', { role: 'img', 'aria-label': title });
  box.append(root);
  function redraw() {
    const { width, height } = box.getBoundingClientRect();
    if (width < 40 || height < 40) return;
    root.setAttribute('viewBox', `0 0 ${width} ${height}`);
    root.replaceChildren(...draw(width, height));
  }
  new ResizeObserver(redraw).observe(box);
  return { redraw };
}
