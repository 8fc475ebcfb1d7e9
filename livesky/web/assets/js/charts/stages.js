// Nc over P0, after the LiveSky paper's Figures 3 and 7: the admission curve, the bound S x P0, and where the channel has been.

import { byId, el, press } from '../dom.js';
import { digits, percent } from '../format.js';
import { createChart, label, line, pathOf, svg, ticks } from './svg.js';

const TRAIL_POINTS = 120;
const WORDS = {
  1: 'the edge feeds everybody',
  2: 'the first viewers feed the newcomers',
  3: 'newcomers are shared between edge and peers',
  4: 'the edge is full, peers take the rest',
};

/** Edge-fed clients for a load of `p0`: slope 1, flat at N1, the slope, flat at N*. */
export function admitted({ n1, nStar, n1OverS, slope }, p0) {
  if (p0 <= n1) return Math.min(p0, nStar);
  return Math.min(nStar, n1 + Math.max(0, p0 - n1OverS) * slope);
}

export function createStagesChart() {
  let scaling = null;
  let trail = [];
  let isFar = false;
  const chart = createChart(byId('stages-chart'), 'Clients fed by the edge over all clients', draw);
  const buttons = [byId('stages-near'), byId('stages-far')];
  buttons.forEach((button, i) => button.addEventListener('click', () => {
    isFar = i === 1;
    press(buttons, button);
    chart.redraw();
  }));

  function draw(width, height) {
    if (scaling === null) return [];
    const area = { left: 34, right: width - 10, top: 14, bottom: height - 34 };
    const busiest = Math.max(scaling.p0, ...trail.map(({ p0 }) => p0));
    const xMax = isFar ? scaling.nStarOverS * 1.15 : Math.max(scaling.n1OverS * 1.35, busiest * 1.2);
    const yMax = Math.max(admitted(scaling, xMax), ...trail.map(({ nc }) => nc)) * 1.18;
    const x = (p0) => area.left + (p0 / xMax) * (area.right - area.left);
    const y = (nc) => area.bottom - (nc / yMax) * (area.bottom - area.top);
    return [...axes(xMax, yMax, x, y, area), ...thresholds(scaling, xMax, x, area), ...curves(scaling, xMax, yMax, x, y),
      ...course(scaling, trail, x, y, area)];
  }

  return {
    update(snapshot, history) {
      scaling = snapshot.scaling;
      trail = history.points().slice(-TRAIL_POINTS);
      byId('stages-words').replaceChildren(...words(snapshot));
      chart.redraw();
    },
  };
}

function axes(xMax, yMax, x, y, area) {
  const nodes = [];
  for (const value of ticks(yMax, 4).filter((tick) => tick <= yMax)) {
    nodes.push(line(area.left, y(value), area.right, y(value), value ? 'grid' : 'axis'), label(area.left - 6, y(value) + 4, digits(value), 'end'));
  }
  for (const value of ticks(xMax, 5).filter((tick) => tick <= xMax)) nodes.push(label(x(value), area.bottom + 15, digits(value), 'middle'));
  nodes.push(label(area.right, area.bottom + 30, 'viewers, P0', 'end'), label(area.left - 28, area.top - 3, 'fed by the edge, Nc'));
  return nodes;
}

function thresholds({ n1, n1OverS, nStar, nStarOverS }, xMax, x, area) {
  const marks = [[n1, 'N1'], [n1OverS, 'N1/S'], [nStar, 'N*'], [nStarOverS, 'N*/S']].filter(([p0]) => p0 <= xMax);
  let lastX = -Infinity;
  return marks.flatMap(([p0, name]) => {
    const at = x(p0);
    const isClear = at - lastX > 30;
    if (isClear) lastX = at;
    return [line(at, area.top + 6, at, area.bottom, 'mark'), ...(isClear ? [label(at + 4, area.bottom - 6, name)] : [])];
  });
}

function curves(scaling, xMax, yMax, x, y) {
  const corners = [0, scaling.n1, scaling.n1OverS, scaling.n1OverS + (scaling.nStar - scaling.n1) / Math.max(scaling.slope, 1e-6), xMax]
    .filter((p0) => p0 <= xMax).sort((a, b) => a - b);
  const boundEnd = Math.min(xMax, yMax / scaling.s);
  return [
    svg('path', { class: 'stages-bound', d: pathOf([[x(0), y(0)], [x(boundEnd), y(boundEnd * scaling.s)]]) }),
    svg('path', { class: 'stages-curve', d: pathOf(corners.map((p0) => [x(p0), y(admitted(scaling, p0))])) }),
  ];
}

function course({ p0, nc }, trail, x, y, area) {
  const isLeft = x(p0) < area.right - 96;
  return [
    svg('path', { class: 'stages-trail', d: pathOf(trail.map((point) => [x(point.p0), y(point.nc)])) }),
    svg('circle', { class: 'stages-now', cx: x(p0).toFixed(1), cy: y(nc).toFixed(1), r: 6 }),
    label(x(p0) + (isLeft ? 11 : -11), y(nc) + (y(nc) < area.top + 20 ? 18 : -8), `${digits(Math.round(nc))} of ${p0}`, isLeft ? 'start' : 'end', 'strong'),
  ];
}

function words({ scaling, channel }) {
  const { stage, n1, n1OverS, nStar, nStarOverS, s, alpha, gamma, delta, churnIntervalS } = scaling;
  return [
    el('b', {}, `Stage ${stage}: ${WORDS[stage] ?? ''}. `),
    `N1 ${digits(n1)}, N1/S ${digits(Math.round(n1OverS))}, N* ${digits(Math.round(nStar))}, N*/S ${digits(Math.round(nStarOverS))}. `,
    `S = ${s.toFixed(3)} (dashed) for K0 = ${channel.levelsMax}, α = ${digits(alpha)}, `,
    `${percent(gamma)} % joins and ${percent(delta)} % leaves per ${digits(churnIntervalS)} s.`,
  ];
}
