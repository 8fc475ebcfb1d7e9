// Colours by meaning. The substream set is Okabe and Ito's, which people with colour-blindness can tell apart.

/** Where bytes come from, in the order they are stacked. */
export const SOURCES = [
  { key: 'peers', name: 'peers', colour: 'var(--peers)' },
  { key: 'push', name: 'edge push', colour: 'var(--push)' },
  { key: 'burst', name: 'start bursts', colour: 'var(--burst)' },
  { key: 'rescue', name: 'rescue', colour: 'var(--rescue)' },
  { key: 'pull', name: 'pull from edge', colour: 'var(--pull)' },
  { key: 'legacy', name: 'plain players', colour: 'var(--legacy)' },
];

const SUBSTREAM_COLOURS = 8;

export function substreamVar(substream) {
  return substream < SUBSTREAM_COLOURS ? `var(--s${substream})` : `hsl(${(substream * 137.5) % 360} 60% 52%)`;
}

/** Colours as a canvas needs them, read again when the scheme changes. */
export function canvasColours(substreams) {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    ink: read('--ink'), muted: read('--muted'), line: read('--line'), line2: read('--line-2'), card: read('--card'),
    push: read('--push'), peers: read('--peers'), bad: read('--bad'),
    substreams: Array.from({ length: substreams }, (_, k) =>
      k < SUBSTREAM_COLOURS ? read(`--s${k}`) : substreamVar(k)),
  };
}

export function onSchemeChange(react) {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', react);
}
