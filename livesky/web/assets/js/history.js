// The last minutes, one row a second: cumulative counters in, rates out.

import { SOURCES } from './palette.js';

export const HISTORY_ROWS_MAX = 300;
const SMOOTH_S = 3;
const COLUMNS = ['uptime_s', ...SOURCES.map((source) => source.key), 'p0', 'nc'];

export function createHistory() {
  let rows = [];

  function add(row) {
    const last = rows[rows.length - 1];
    if (last && row.uptime_s < last.uptime_s) rows = [];
    if (last && row.uptime_s === last.uptime_s) rows.pop();
    rows.push(row);
    if (rows.length > HISTORY_ROWS_MAX) rows.shift();
  }

  return {
    clear() {
      rows = [];
    },

    addSnapshot(snapshot) {
      add({ uptime_s: snapshot.channel.uptimeS, ...snapshot.bytes, p0: snapshot.scaling.p0, nc: snapshot.scaling.nc });
    },

    /** `/api/history`: only rows older than what the page has seen itself. */
    addPast(json) {
      const at = COLUMNS.map((name) => (Array.isArray(json?.columns) ? json.columns.indexOf(name) : -1));
      if (at.includes(-1) || !Array.isArray(json.rows)) return;
      const seen = rows;
      rows = [];
      for (const row of json.rows.slice(-HISTORY_ROWS_MAX)) {
        if (!Array.isArray(row) || !at.every((i) => Number.isFinite(row[i]))) continue;
        add(Object.fromEntries(COLUMNS.map((name, i) => [name, row[at[i]]])));
      }
      for (const row of seen) if (!rows.length || row.uptime_s > rows[rows.length - 1].uptime_s) add(row);
    },

    /** [{ uptimeS, bps: [per source] }], smoothed over three seconds. */
    rates() {
      const points = [];
      for (let i = 1; i < rows.length; i += 1) {
        const from = rows[Math.max(0, i - SMOOTH_S)];
        const span = rows[i].uptime_s - from.uptime_s;
        if (span <= 0) continue;
        points.push({
          uptimeS: rows[i].uptime_s,
          bps: SOURCES.map(({ key }) => Math.max(0, ((rows[i][key] - from[key]) * 8) / span)),
        });
      }
      return points;
    },

    /** Operating points, oldest first: [{ p0, nc }]. */
    points() {
      return rows.map(({ p0, nc }) => ({ p0, nc }));
    },
  };
}
