// Who feeds a viewer, substream by substream, as a row of small labels.

import { dot, el } from './dom.js';
import { shortId } from './format.js';
import { substreamVar } from './palette.js';

export function parentLabel(parent) {
  if (parent === null) return 'none';
  return parent === 0 ? 'edge' : `#${shortId(parent)}`;
}

export function parentChips(viewer) {
  return viewer.parents.map((parent, k) =>
    el('span', { class: 'parent', 'data-none': String(parent === null), title: `substream ${k} from ${parentLabel(parent)}` },
      dot(substreamVar(k)), parentLabel(parent)));
}

/** "fed by viewers #3, #9 and the edge" */
export function feedersSentence(viewer) {
  const ids = [...new Set(viewer.parents.filter((parent) => parent !== null && parent !== 0))].sort((a, b) => a - b);
  const names = ids.map((id) => `#${shortId(id)}`);
  if (viewer.parents.includes(0)) names.push('the edge');
  if (names.length === 0) return 'waiting for parents';
  const last = names.pop();
  return `fed by ${names.length ? `${names.join(', ')} and ${last}` : last}`;
}
