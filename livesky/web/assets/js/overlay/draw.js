// Paints the graph. Feeds are painted to a layer of their own and only again when something moved: the frames between cost the dots alone.

import { shortId } from '../format.js';
import { along, curve, locate, sizeOf } from './geometry.js';
import { ringRadius } from './layout.js';

const TURN = Math.PI * 2;
const FLOW_SPEED = 0.42;
const LABELS_MAX = 40;

export function locateAll(graph, frame, view) {
  const edge = { x: frame.cx, y: frame.cy, radius: 0, angle: 0 };
  for (const node of graph.nodes.values()) {
    locate(node, frame);
    node.size = node.viewer ? sizeOf(node, frame, view.rateBps) : 3;
  }
  for (const link of graph.links.values()) {
    const from = link.from === 0 ? edge : graph.nodes.get(link.from);
    const to = graph.nodes.get(link.to);
    if (from && to) curve(link, from, to, frame, view.substreams);
  }
}

/** The still layer: rings and feeds. */
export function paintFeeds(context, graph, frame, view) {
  const { colours, focus } = view;
  context.clearRect(0, 0, frame.width, frame.height);
  context.lineWidth = 1;
  context.strokeStyle = colours.line;
  for (let ring = 1; ring <= graph.rings; ring += 1) {
    const radius = ringRadius(ring, graph.rings);
    context.beginPath();
    context.ellipse(frame.cx, frame.cy, frame.rx * radius, frame.ry * radius, 0, 0, TURN);
    context.stroke();
  }
  const shown = [...graph.links.values()].filter((link) => isShown(link, view));
  const crowd = view.substream === null ? Math.min(1, 90 / Math.max(1, shown.length)) : 1;
  const base = focus === null ? 0.2 + 0.4 * crowd : 0.07;
  for (const [substream, links] of bySubstream(shown)) {
    context.strokeStyle = colours.substreams[substream];
    context.lineWidth = view.substream === null ? 1 : 1.5;
    strokeAll(context, links.filter((link) => link.alpha > 0.97), base);
    for (const link of links) if (link.alpha <= 0.97) strokeAll(context, [link], base * link.alpha);
    if (focus !== null) {
      context.lineWidth = 2;
      strokeAll(context, links.filter((link) => touches(link, focus)), 0.95);
    }
  }
  context.globalAlpha = 1;
}

/** The moving layer: what flows along the feeds, the viewers, the edge. */
export function paintViewers(context, graph, frame, view, timeS) {
  if (view.isMotionWelcome) paintFlow(context, graph, view, timeS);
  const near = view.focus === null ? null : neighbours(graph, view.focus);
  for (const node of graph.nodes.values()) if (node.viewer) paintViewer(context, node, view, near, timeS);
  paintEdge(context, frame, view);
  context.globalAlpha = 1;
}

function paintFlow(context, graph, view, timeS) {
  const side = view.substream === null && graph.links.size > 250 ? 2 : 3;
  for (const [substream, links] of bySubstream([...graph.links.values()].filter((link) => isShown(link, view)))) {
    context.fillStyle = view.colours.substreams[substream];
    context.globalAlpha = 0.85;
    for (const link of links) {
      if (link.alpha < 0.6 || (view.focus !== null && !touches(link, view.focus))) continue;
      const [x, y] = along(link, (link.phase + timeS * FLOW_SPEED) % 1);
      context.fillRect(x - side / 2, y - side / 2, side, side);
    }
  }
}

function paintViewer(context, node, view, near, timeS) {
  const { colours } = view;
  const { viewer, x, y, size } = node;
  context.globalAlpha = node.alpha * (near === null || near.has(node.id) ? 1 : 0.22);
  const colour = viewer.isPush ? colours.push : colours.peers;
  circle(context, x, y, size + 1.5, colours.card);
  if (viewer.state === 'stall') {
    circle(context, x, y, size + 3 + Math.sin(timeS * 5), colours.card, colours.bad, 2);
    circle(context, x, y, size, colours.bad);
  } else if (viewer.state === 'startup') {
    circle(context, x, y, size, colours.card, colours.muted, 1.75);
  } else {
    circle(context, x, y, size, colour);
  }
  if (node.id === view.playing) circle(context, x, y, size + 4, null, colours.ink, 1.75);
  if (node.id === view.focus) circle(context, x, y, size + 4, null, colour, 2);
  if (node.id === view.playing) playMark(context, x, y, size, colours.card);
  if (isLabelled(node, view, near)) tag(context, node, view);
}

function isLabelled(node, view, near) {
  if (near !== null) return near.has(node.id) && near.size <= LABELS_MAX;
  return view.viewers <= LABELS_MAX || node.id === view.playing;
}

function tag(context, node, view) {
  const out = node.size + (node.id === view.playing || node.id === view.focus ? 15 : 11);
  context.fillStyle = view.colours.muted;
  context.font = '500 11px Inter, system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  const [ux, uy] = [Math.cos(node.angle), Math.sin(node.angle)];
  context.lineWidth = 3;
  context.strokeStyle = view.colours.card;
  context.strokeText(shortId(node.id), node.x + ux * out, node.y + uy * out);
  context.fillText(shortId(node.id), node.x + ux * out, node.y + uy * out);
}

function paintEdge(context, frame, { colours }) {
  context.globalAlpha = 1;
  const half = 19;
  context.beginPath();
  context.roundRect(frame.cx - half - 4, frame.cy - half + 3, half * 2 + 8, half * 2 - 6, 9);
  context.fillStyle = colours.ink;
  context.strokeStyle = colours.card;
  context.lineWidth = 4;
  context.stroke();
  context.fill();
  context.fillStyle = colours.card;
  context.font = '600 12px Inter, system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText('edge', frame.cx, frame.cy + 0.5);
}

function strokeAll(context, links, alpha) {
  if (!links.length) return;
  context.globalAlpha = alpha;
  context.beginPath();
  for (const link of links) {
    context.moveTo(link.x0, link.y0);
    context.bezierCurveTo(link.x1, link.y1, link.x2, link.y2, link.x3, link.y3);
  }
  context.stroke();
}

function circle(context, x, y, radius, fill, stroke = null, width = 1) {
  context.beginPath();
  context.arc(x, y, Math.max(0.5, radius), 0, TURN);
  if (fill !== null) {
    context.fillStyle = fill;
    context.fill();
  }
  if (stroke !== null) {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.stroke();
  }
}

function playMark(context, x, y, size, colour) {
  const s = size * 0.5;
  context.beginPath();
  context.moveTo(x - s * 0.7, y - s);
  context.lineTo(x + s, y);
  context.lineTo(x - s * 0.7, y + s);
  context.closePath();
  context.fillStyle = colour;
  context.fill();
}

function isShown(link, view) {
  return view.substream === null || link.substream === view.substream;
}

function touches(link, id) {
  return link.from === id || link.to === id;
}

function neighbours(graph, id) {
  const near = new Set([id]);
  for (const link of graph.links.values()) {
    if (link.toAlpha === 0) continue;
    if (link.from === id) near.add(link.to);
    if (link.to === id) near.add(link.from);
  }
  return near;
}

function bySubstream(links) {
  const groups = new Map();
  for (const link of links) {
    if (!groups.has(link.substream)) groups.set(link.substream, []);
    groups.get(link.substream).push(link);
  }
  return groups;
}
