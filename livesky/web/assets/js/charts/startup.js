// How long viewers waited for their first picture: bars for how many, a line for what share, p50 and p95.

import { byId, el, setText } from '../dom.js';
import { millis, percent } from '../format.js';
import { createChart, label, line, pathOf, svg, ticks } from './svg.js';

const BINS = 24;

export function createStartupChart() {
  let quality = null;
  const chart = createChart(byId('startup-chart'), 'Distribution of startup times', draw);

  function draw(width, height) {
    const area = { left: 6, right: width - 36, top: 26, bottom: height - 20 };
    if (!quality?.startupMs.length) return [label(width / 2, height / 2, 'No viewer has started yet', 'middle', 'empty')];
    const sorted = [...quality.startupMs].sort((a, b) => a - b);
    const steps = ticks(Math.max(sorted[sorted.length - 1], quality.startupP95Ms ?? 0) * 1.02, 4);
    const xMax = steps[steps.length - 1];
    const x = (ms) => area.left + (ms / xMax) * (area.right - area.left);
    const y = (share) => area.bottom - share * (area.bottom - area.top);
    return [...grid(steps, x, y, area), ...bars(sorted, xMax, x, area), cdf(sorted, xMax, x, y), ...marks(quality, x, area)];
  }

  return {
    update(snapshot) {
      quality = snapshot.quality;
      setText(byId('startup-facts'), `${quality.startupMs.length} latest`);
      const under = quality.startupMs.filter((ms) => ms <= 1000).length / Math.max(1, quality.startupMs.length);
      byId('startup-words').replaceChildren(...(quality.startupMs.length
        ? [el('b', {}, `${percent(under, 0)} % saw a picture within a second. `), 'Bars: how many viewers; line: what share had started.'] : []));
      chart.redraw();
    },
  };
}

function grid(steps, x, y, area) {
  const nodes = [0, 0.5, 1].flatMap((share) => [
    line(area.left, y(share), area.right, y(share), share ? 'grid' : 'axis'),
    label(area.right + 6, y(share) + 4, `${share * 100}${share === 1 ? ' %' : ''}`),
  ]);
  steps.forEach((ms, i) => nodes.push(label(x(ms), area.bottom + 16, ms === 0 ? '0' : millis(ms), i === 0 ? 'start' : 'middle')));
  return nodes;
}

function bars(sorted, xMax, x, area) {
  const counts = new Array(BINS).fill(0);
  for (const ms of sorted) counts[Math.min(BINS - 1, Math.floor((ms / xMax) * BINS))] += 1;
  const tallest = Math.max(...counts);
  return counts.flatMap((count, i) => {
    if (!count) return [];
    const height = (count / tallest) * (area.bottom - area.top) * 0.72;
    const left = x((i / BINS) * xMax);
    const width = x(((i + 1) / BINS) * xMax) - left - 2;
    return [svg('rect', { class: 'startup-bar', x: (left + 1).toFixed(1), y: (area.bottom - height).toFixed(1), width: Math.max(1, width).toFixed(1), height: height.toFixed(1), rx: 2 })];
  });
}

function cdf(sorted, xMax, x, y) {
  const points = [[x(0), y(0)], ...sorted.map((ms, i) => [x(ms), y((i + 1) / sorted.length)]), [x(xMax), y(1)]];
  return svg('path', { class: 'startup-cdf', d: pathOf(points) });
}

function marks({ startupP50Ms, startupP95Ms }, x, area) {
  return [[startupP50Ms, 'p50', 12], [startupP95Ms, 'p95', 12]].filter(([ms]) => ms !== null).flatMap(([ms, name, top]) => [
    line(x(ms), top + 4, x(ms), area.bottom, 'mark'),
    label(x(ms), top, `${name} ${millis(ms)}`, x(ms) < 50 ? 'start' : x(ms) > area.right - 40 ? 'end' : 'middle', 'strong'),
  ]);
}
