// How much the peers carry, and why it is no more.

import { byId, el, setText } from './dom.js';
import { percent } from './format.js';
import { SOURCES } from './palette.js';

const LOW_SHARE = 0.2;

export function createOffload() {
  const bar = byId('offload-bar');
  const pieces = SOURCES.map(({ colour }) => {
    const piece = el('i');
    piece.style.background = colour;
    bar.append(piece);
    return piece;
  });

  return {
    update({ offload, why }, history) {
      const share = offload.bytes10s ?? offload.bytesTotal;
      const now = byId('offload-now');
      now.dataset.low = String(share === null || share < LOW_SHARE);
      now.replaceChildren(...(share === null ? ['–'] : [percent(share, 0), el('span', {}, '% of bytes')]));
      setText(byId('offload-total'), asPercent(offload.bytesTotal));
      setText(byId('offload-viewers'), asPercent(offload.viewers));
      drawBar(history.rates().at(-1));
      showWhy(why);
    },
  };

  function drawBar(point) {
    const total = point ? point.bps.reduce((sum, value) => sum + value, 0) : 0;
    pieces.forEach((piece, i) => {
      const share = total > 0 ? point.bps[i] / total : 0;
      piece.style.flexGrow = String(Math.round(share * 1000));
      piece.hidden = share < 0.002;
      piece.title = `${SOURCES[i].name} ${percent(share)} %`;
    });
    bar.setAttribute('aria-label', total > 0 ? SOURCES.map(({ name }, i) => `${name} ${percent(point.bps[i] / total, 0)} %`).join(', ') : 'no bytes yet');
  }

  function showWhy(why) {
    const list = byId('why');
    if (why.join('\n') === list.dataset.shown) return;
    list.dataset.shown = why.join('\n');
    list.replaceChildren(...why.map((sentence) => el('li', {}, sentence)));
  }
}

function asPercent(share) {
  return share === null ? '–' : `${percent(share, 0)} %`;
}
