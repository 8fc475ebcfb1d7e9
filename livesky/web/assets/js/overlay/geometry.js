// From angles and radii to pixels, and the curve a feed takes.

const MARGIN_PX = 20;
const WIDE_MAX = 1.45;

/** Rings are ellipses, so that a wide card is used. */
export function frameOf(width, height) {
  const ry = Math.max(40, height / 2 - MARGIN_PX);
  const rx = Math.max(40, Math.min(width / 2 - MARGIN_PX, ry * WIDE_MAX));
  return { width, height, cx: width / 2, cy: height / 2, rx, ry };
}

export function locate(node, frame) {
  node.x = frame.cx + Math.cos(node.angle) * node.radius * frame.rx;
  node.y = frame.cy + Math.sin(node.angle) * node.radius * frame.ry;
}

/** Dots shrink before they touch; a fat uplink is a larger dot. */
export function sizeOf(node, frame, rateBps) {
  const ring = Math.PI * (frame.rx + frame.ry) * node.toRadius;
  const room = (ring / Math.max(1, node.ringSize)) * (node.ringSize > 44 ? 0.6 : 0.36);
  const base = Math.min(8.5, Math.max(3, room));
  const share = Math.min(1.6, (node.viewer.uplinkBps || 0) / Math.max(1, rateBps));
  return base * (0.62 + 0.38 * Math.sqrt(share / 1.1));
}

/** Cubic control points written into `link`; substreams of one pair lie side by side. */
export function curve(link, from, to, frame, substreams) {
  const side = (link.substream - (substreams - 1) / 2) * Math.min(3, 18 / substreams);
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy) || 1;
  const nx = (-dy / length) * side;
  const ny = (dx / length) * side;
  link.x0 = from.x; link.y0 = from.y; link.x3 = to.x; link.y3 = to.y;
  if (link.from === 0) {
    link.x1 = from.x + dx * 0.35 + nx; link.y1 = from.y + dy * 0.35 + ny;
    link.x2 = from.x + dx * 0.7 + nx; link.y2 = from.y + dy * 0.7 + ny;
    return;
  }
  // Leave the parent outwards and reach the child from inside: feeds run between the rings, not through the middle.
  const out = (from.radius + to.radius) / 2;
  link.x1 = frame.cx + Math.cos(from.angle) * out * frame.rx + nx; link.y1 = frame.cy + Math.sin(from.angle) * out * frame.ry + ny;
  link.x2 = frame.cx + Math.cos(to.angle) * out * 0.92 * frame.rx + nx; link.y2 = frame.cy + Math.sin(to.angle) * out * 0.92 * frame.ry + ny;
}

/** Point of the link's curve at t in 0..1. */
export function along(link, t) {
  const u = 1 - t;
  const a = u * u * u, b = 3 * u * u * t, c = 3 * u * t * t, d = t * t * t;
  return [a * link.x0 + b * link.x1 + c * link.x2 + d * link.x3, a * link.y0 + b * link.y1 + c * link.y2 + d * link.y3];
}
