// Where viewers stand: pure functions from levels and parents to angles and radii.

const TURN = Math.PI * 2;

export function turnBetween(from, to) {
  const turn = (to - from) % TURN;
  if (turn > Math.PI) return turn - TURN;
  return turn < -Math.PI ? turn + TURN : turn;
}

/** Mean direction of some angles, or null when they cancel out or there are none. */
export function meanAngle(angles) {
  const x = angles.reduce((sum, angle) => sum + Math.cos(angle), 0);
  const y = angles.reduce((sum, angle) => sum + Math.sin(angle), 0);
  return Math.hypot(x, y) < 1e-3 ? null : Math.atan2(y, x);
}

/**
 * Evenly spaced angles for one ring. Each entry wishes for a direction (where it stands, or near its parents); the order
 * of the wishes is kept and the whole ring turned so that viewers move as little as possible.
 */
export function spread(entries) {
  const order = entries.map((entry) => ({ ...entry, wish: ((entry.wish % TURN) + TURN) % TURN }))
    .sort((a, b) => a.wish - b.wish || a.id - b.id);
  const step = TURN / Math.max(1, order.length);
  const turn = meanAngle(order.map((entry, i) => entry.wish - i * step)) ?? 0;
  return new Map(order.map((entry, i) => [entry.id, turn + i * step]));
}

/** The ring a viewer stands on: its level, or the outermost while it has no parent. */
export function ringOf(viewer, rings) {
  return viewer.level === 0 ? rings : Math.min(viewer.level, rings);
}

/** Share of the full radius for ring 1..rings. */
export function ringRadius(ring, rings) {
  return rings === 1 ? 0.78 : 0.46 + (0.54 * (ring - 1)) / (rings - 1);
}

/** A large ring alternates between two radii so that neighbours do not touch. */
export function stagger(indexInRing, countInRing) {
  if (countInRing <= 44) return 0;
  return indexInRing % 2 ? 0.035 : -0.035;
}
