// The viewers, one row each, sorted by the column a person picks.

import { byId, dot, el, setText } from './dom.js';
import { bytes, millis, rate, span, shortId } from './format.js';
import { stateWord } from './overlay/card.js';
import { substreamVar } from './palette.js';
import { parentLabel } from './parents.js';

const COLUMNS = [
  { name: 'Viewer', key: (v) => v.id, cell: (v) => `#${shortId(v.id)}`, isLeft: true },
  { name: 'Class', key: (v) => (v.isPush ? 0 : 1), cell: kindCell, isLeft: true },
  { name: 'State', key: (v) => v.state, cell: (v) => stateWord(v.state), isAlert: (v) => v.state === 'stall', isLeft: true },
  { name: 'Watching', key: (v) => v.ageS, cell: (v) => span(v.ageS) },
  { name: 'Buffer', key: (v) => v.bufferMs, cell: (v) => `${(v.bufferMs / 1000).toFixed(1)} s` },
  { name: 'Startup', key: (v) => v.startupMs ?? Infinity, cell: (v) => millis(v.startupMs) },
  { name: 'Stalls', key: (v) => v.stalls, cell: (v) => String(v.stalls), isAlert: (v) => v.stalls > 0 },
  { name: 'Uplink', key: (v) => v.uplinkBps, cell: (v) => (v.uplinkBps ? rate(v.uplinkBps) : 'receive-only') },
  { name: 'Uploads', key: (v) => v.uploadBps, cell: (v) => rate(v.uploadBps) },
  { name: 'Slots', key: (v) => v.slotsUsed, cell: (v) => `${v.slotsUsed}/${v.slots}` },
  { name: 'From edge', key: (v) => v.bytesEdge, cell: (v) => bytes(v.bytesEdge) },
  { name: 'From peers', key: (v) => v.bytesPeers, cell: (v) => bytes(v.bytesPeers) },
  { name: 'Parents by substream', key: (v) => v.parents.filter((p) => p > 0).length, cell: parentsCell, isLeft: true },
];

export function createTable(selection) {
  const body = el('tbody');
  const rows = new Map();
  let order = { column: 0, isDown: false };
  let viewers = [];
  const heads = COLUMNS.map((column, i) => headCell(column, () => {
    order = { column: i, isDown: order.column === i ? !order.isDown : i > 2 };
    draw();
  }));
  byId('viewers').append(el('thead', {}, el('tr', {}, ...heads)), body);
  selection.onChange(mark);

  function draw() {
    const { key } = COLUMNS[order.column];
    const sign = order.isDown ? -1 : 1;
    const compare = (a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : a.id - b.id);
    heads.forEach((head, i) => {
      if (i === order.column) head.setAttribute('aria-sort', order.isDown ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    const sorted = [...viewers].sort(compare);
    const present = new Set(sorted.map(({ id }) => id));
    for (const id of rows.keys()) if (!present.has(id)) rows.delete(id);
    body.replaceChildren(...sorted.map(rowOf));
    mark();
  }

  function rowOf(viewer) {
    let row = rows.get(viewer.id);
    if (!row) {
      row = el('tr');
      row.addEventListener('click', () => selection.pick(viewer.id));
      rows.set(viewer.id, row);
    }
    row.replaceChildren(...COLUMNS.map(({ cell, isAlert, isLeft }) =>
      el('td', { class: `${isLeft ? 'left' : ''}${isAlert?.(viewer) ? ' alert' : ''}`.trim() || null }, cell(viewer))));
    return row;
  }

  function mark() {
    for (const [id, row] of rows) row.setAttribute('aria-selected', String(id === selection.current));
  }

  return {
    update(snapshot) {
      viewers = snapshot.viewers;
      const push = viewers.filter(({ isPush }) => isPush).length;
      setText(byId('table-facts'), `${push} push, ${viewers.length - push} P2P`);
      draw();
    },
  };
}

function headCell({ name, isLeft }, sort) {
  const button = el('button', { type: 'button' }, name);
  button.addEventListener('click', sort);
  return el('th', { scope: 'col', class: isLeft ? 'left' : null }, button);
}

function kindCell(viewer) {
  const level = viewer.level ? ` ${viewer.level}` : '';
  return el('span', { class: 'kind' }, dot(viewer.isPush ? 'var(--push)' : 'var(--peers)'), viewer.isPush ? 'push' : `P2P${level ? `, level${level}` : ''}`);
}

function parentsCell(viewer) {
  return el('span', { class: 'feeds' }, ...viewer.parents.map((parent, k) =>
    el('span', {}, dot(substreamVar(k)), parent === null ? '–' : parentLabel(parent))));
}
