// What a person reads about the viewer they point at.

import { byId, el } from '../dom.js';
import { millis, rate, span, shortId } from '../format.js';
import { parentChips } from '../parents.js';

const GAP_PX = 16;

export function createCard() {
  const box = byId('overlay-card');
  return {
    show(viewer, rateBps, { x, y }, frame) {
      box.replaceChildren(...content(viewer, rateBps));
      box.hidden = false;
      const { offsetWidth: width, offsetHeight: height } = box;
      const left = x + GAP_PX + width > frame.width ? x - GAP_PX - width : x + GAP_PX;
      box.style.left = `${Math.max(4, Math.min(left, frame.width - width - 4))}px`;
      box.style.top = `${Math.max(4, Math.min(y - height / 2, frame.height - height - 4))}px`;
    },
    hide() {
      box.hidden = true;
    },
  };
}

function content(viewer, rateBps) {
  const kind = viewer.isPush ? 'Push client' : 'P2P client';
  const where = viewer.level === 0 ? 'no parent yet' : `level ${viewer.level}`;
  const total = viewer.bytesEdge + viewer.bytesPeers;
  const facts = [
    ['Watching', span(viewer.ageS)],
    ['Buffer', millis(viewer.bufferMs)],
    ['Startup', millis(viewer.startupMs)],
    ['Stalls', String(viewer.stalls)],
    ['Uplink', viewer.uplinkBps ? `${rate(viewer.uplinkBps)} (${(viewer.uplinkBps / Math.max(1, rateBps)).toFixed(1)}×)` : 'receive-only'],
    ['Uploads', rate(viewer.uploadBps)],
    ['Slots', `${viewer.slotsUsed} of ${viewer.slots} used`],
    ['From peers', total ? `${Math.round((viewer.bytesPeers / total) * 100)} % of bytes` : '–'],
    ['Address', viewer.address],
  ];
  return [
    el('h3', {}, `Viewer #${shortId(viewer.id)}`),
    el('div', { class: 'muted' }, `${kind}, ${where}, ${stateWord(viewer.state)}`),
    el('div', { class: 'parents' }, ...parentChips(viewer)),
    el('dl', {}, ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])),
  ];
}

export function stateWord(state) {
  return { startup: 'starting', playing: 'playing', stall: 'stalled' }[state];
}
