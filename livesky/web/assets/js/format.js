// Numbers as people read them. Everything returns plain text.

const GAP = '\u00a0';

/**
 * 65539 -> "4", 131075 -> "4.2": an id holds the place at the edge in its low 16 bits and, above, which user of that place it is.
 */
export function shortId(id) {
  const use = Math.floor(id / 65536) % 1024;
  return `${(id % 65536) + 1}${use > 1 ? `.${use}` : ''}`;
}

/** 403200 -> "403 kbit/s" */
export function rate(bps) {
  return scaled(bps, [[1e9, 'Gbit/s'], [1e6, 'Mbit/s'], [1e3, 'kbit/s'], [1, 'bit/s']]);
}

/** 33500000 -> "33.5 MB" */
export function bytes(count) {
  return scaled(count, [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB'], [1, 'B']]);
}

/** 640 -> "640 ms", 1240 -> "1.24 s" */
export function millis(ms) {
  if (ms === null) return '–';
  return ms < 1000 ? `${Math.round(ms)}${GAP}ms` : `${digits(ms / 1000)}${GAP}s`;
}

/** 123 -> "2 min 03 s" */
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}${GAP}s`;
  if (s < 3600) return `${Math.floor(s / 60)}${GAP}min ${pad(s % 60)}${GAP}s`;
  return `${Math.floor(s / 3600)}${GAP}h ${pad(Math.floor(s / 60) % 60)}${GAP}min`;
}

/** 0.0123 -> "1.2"; never rounds a share below one up to 100. */
export function percent(share, places = 1) {
  const scale = 10 ** places;
  const value = Math.round(share * 100 * scale) / scale;
  if (value >= 100 && share < 1) return (100 - 1 / scale).toFixed(places);
  return value.toFixed(value === 100 || value === 0 ? 0 : places);
}

/** Three significant digits at most, integers as they are. */
export function digits(value) {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return String(Math.round(value));
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2).replace(/\.?0+$/, '');
}

function scaled(value, units) {
  const [size, name] = units.find(([size]) => Math.abs(value) >= size) ?? units[units.length - 1];
  return `${digits(value / size)}${GAP}${name}`;
}

function pad(value) {
  return String(value).padStart(2, '0');
}
