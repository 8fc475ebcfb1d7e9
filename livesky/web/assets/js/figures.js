// The row of single figures.

import { byId, el, setText } from './dom.js';
import { digits, millis, percent, rate } from './format.js';

/** Goals as in xtask/src/bench/figure.rs; docs/api.md defines the figures. */
const STARTUP_GOAL_MS = 1000;
const CONTROL_GOAL = 0.03;
const DUPLICATES_GOAL = 0.01;

const FIGURES = [viewers, startup, continuity, control, duplicates, egress];

export function createFigures() {
  const slots = FIGURES.map(() => {
    const name = el('div', { class: 'name' });
    const value = el('div', { class: 'value' });
    const note = el('div', { class: 'note' });
    byId('figures').append(el('div', { class: 'figure' }, name, value, note));
    return { name, value, note };
  });
  return {
    update(snapshot) {
      FIGURES.forEach((figure, i) => {
        const { name, value, unit = '', note, tone = '' } = figure(snapshot);
        setText(slots[i].name, name);
        setText(slots[i].note, note);
        slots[i].value.dataset.tone = tone;
        if (slots[i].value.textContent !== value + unit) slots[i].value.replaceChildren(value, el('span', {}, unit));
      });
    },
  };
}

function viewers({ scaling, quality }) {
  return { name: 'Viewers', value: String(scaling.p0), note: `${digits(Math.round(scaling.nc))} fed by the edge, ${quality.viewersSeen} seen` };
}

function startup({ quality }) {
  const { startupP50Ms: p50, startupP95Ms: p95 } = quality;
  return { name: 'Startup, 95 %', ...split(millis(p95)), note: p50 === null ? 'no viewer yet' : `half within ${millis(p50)}`, tone: p95 > STARTUP_GOAL_MS ? 'warn' : '' };
}

function continuity({ quality }) {
  const stalls = `${quality.stalls} ${quality.stalls === 1 ? 'stall' : 'stalls'}`;
  return {
    name: 'Continuity', ...share(quality.continuity, 2),
    note: quality.stalledViewers ? `${stalls}, ${quality.stalledViewers} stalled now` : `${stalls} since the start`,
    tone: quality.stalledViewers ? 'bad' : '',
  };
}

function control({ bytes }) {
  const part = ofMedia(bytes, bytes.control);
  return { name: 'Control overhead', ...share(part, 1), note: `goal 3 %, headers ${percent(ofMedia(bytes, bytes.fragment_headers) ?? 0)} %`, tone: part > CONTROL_GOAL ? 'warn' : '' };
}

function duplicates({ bytes }) {
  const part = ofMedia(bytes, bytes.duplicates);
  return { name: 'Duplicates', ...share(part, 2), note: 'goal below 1 %', tone: part > DUPLICATES_GOAL ? 'warn' : '' };
}

function egress({ edge }) {
  return { name: 'Edge sends', ...split(rate(edge.egressBps)), note: edge.capacityBps ? `of ${rate(edge.capacityBps)}` : '' };
}

/** A part of the media bytes delivered to clients, null before the first. */
function ofMedia({ burst, push, rescue, pull, peers }, part) {
  const media = burst + push + rescue + pull + peers;
  return media > 0 ? part / media : null;
}

function share(value, places) {
  return value === null ? { value: '–' } : { value: percent(value, places), unit: '%' };
}

function split(formatted) {
  const [value, unit = ''] = formatted.split('\u00a0');
  return { value, unit };
}
