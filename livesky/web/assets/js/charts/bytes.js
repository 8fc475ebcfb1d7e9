// Bytes by source over time, stacked, peers at the bottom so that their share reads from the axis.

import { byId, el, setText } from '../dom.js';
import { rate, span } from '../format.js';
import { HISTORY_ROWS_MAX } from '../history.js';
import { SOURCES } from '../palette.js';
import { createChart, label, line, pathOf, svg, ticks } from './svg.js';

const SPAN_MIN_S = 60;

export function createBytesChart() {
  let points = [];
  const legend = createLegend();
  const chart = createChart(byId('bytes-chart'), 'Bytes by source over time', draw);

  function draw(width, height) {
    const area = { left: 6, right: width - 6, top: 14, bottom: height - 20 };
    if (points.length < 2) return [label(width / 2, height / 2, 'Collecting the first seconds', 'middle', 'empty')];
    const end = points[points.length - 1].uptimeS;
    const shown = Math.min(HISTORY_ROWS_MAX, Math.max(SPAN_MIN_S, end - points[0].uptimeS));
    const x = (uptimeS) => area.right - ((end - uptimeS) / shown) * (area.right - area.left);
    const peak = Math.max(...points.map(({ bps }) => bps.reduce((sum, value) => sum + value, 0)), 1);
    const steps = ticks(peak * 1.02, 4);
    const y = (bps) => area.bottom - (bps / steps[steps.length - 1]) * (area.bottom - area.top);
    return [...layers(points, x, y), ...grid(steps, y, area), ...times(shown, end, x, area)];
  }

  return {
    update(_, history) {
      points = history.rates();
      const last = points[points.length - 1];
      setText(byId('bytes-facts'), last ? `${rate(last.bps.reduce((sum, value) => sum + value, 0))} to all viewers` : '');
      legend.update(last);
      chart.redraw();
    },
  };
}

function layers(points, x, y) {
  let floor = points.map(() => 0);
  const nodes = [];
  SOURCES.forEach(({ colour }, i) => {
    const ceiling = points.map(({ bps }, at) => floor[at] + bps[i]);
    const top = points.map(({ uptimeS }, at) => [x(uptimeS), y(ceiling[at])]);
    const under = points.map(({ uptimeS }, at) => [x(uptimeS), y(floor[at])]).reverse();
    const fill = svg('path', { d: `${pathOf([...top, ...under])}Z` });
    fill.style.fill = colour;
    nodes.push(fill, svg('path', { d: pathOf(top), class: 'seam' }));
    floor = ceiling;
  });
  return nodes;
}

function grid(steps, y, area) {
  return steps.flatMap((value, i) => [
    line(area.left, y(value), area.right, y(value), i ? 'grid' : 'axis'),
    ...(i ? [label(area.left + 2, y(value) - 4, rate(value))] : []),
  ]);
}

function times(shown, end, x, area) {
  const step = ticks(shown, 3)[1];
  const nodes = [label(area.right, area.bottom + 16, 'now', 'end')];
  for (let back = step; back <= shown; back += step) nodes.push(label(x(end - back), area.bottom + 16, `−${span(back)}`, back + step > shown && shown - back < step / 3 ? 'start' : 'middle'));
  return nodes;
}

function createLegend() {
  const values = SOURCES.map(({ name, colour }) => {
    const swatch = el('i');
    swatch.style.background = colour;
    const value = el('b');
    byId('bytes-legend').append(el('span', {}, swatch, name, value));
    return value;
  });
  return {
    update(point) {
      values.forEach((value, i) => setText(value, point ? rate(point.bps[i]) : ''));
    },
  };
}
