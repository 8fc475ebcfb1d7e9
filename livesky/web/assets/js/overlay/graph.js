// The overlay as it is being drawn: viewers and feeds that ease towards the last snapshot.

import { meanAngle, ringOf, ringRadius, spread, stagger, turnBetween } from './layout.js';

const EASE_S = 0.28;
const GONE_ALPHA = 0.02;

export function createGraph() {
  const nodes = new Map();
  const links = new Map();
  let rings = 2;

  function place(viewers) {
    rings = Math.max(2, ...viewers.map((viewer) => viewer.level));
    for (let ring = 1; ring <= rings; ring += 1) {
      const members = viewers.filter((viewer) => ringOf(viewer, rings) === ring);
      const angles = spread(members.map((viewer) => ({ id: viewer.id, wish: wishOf(viewer, ring) })));
      [...angles].forEach(([id, angle], i) => {
        const radius = ringRadius(ring, rings) + stagger(i, angles.size);
        const node = nodes.get(id) ?? { id, angle, radius: radius + 0.12, alpha: 0 };
        Object.assign(node, { ring, toAngle: angle, toRadius: radius, toAlpha: 1, ringSize: angles.size });
        nodes.set(id, node);
      });
    }
  }

  function wishOf(viewer, ring) {
    const node = nodes.get(viewer.id);
    if (node && node.ring === ring) return node.toAngle;
    const parents = viewer.parents.map((parent) => nodes.get(parent)).filter((parent) => parent && parent.id !== viewer.id);
    // Golden-angle steps scatter those without a parent to lean to.
    return meanAngle(parents.map((parent) => parent.toAngle)) ?? viewer.id * 2.399963;
  }

  function connect(viewers) {
    for (const link of links.values()) link.toAlpha = 0;
    for (const viewer of viewers) {
      viewer.parents.forEach((parent, substream) => {
        if (parent === null || (parent !== 0 && !nodes.has(parent))) return;
        const key = `${viewer.id}:${substream}:${parent}`;
        const link = links.get(key) ?? { from: parent, to: viewer.id, substream, alpha: 0, phase: (viewer.id * 0.37 + substream * 0.19) % 1 };
        link.toAlpha = 1;
        links.set(key, link);
      });
    }
  }

  return {
    nodes,
    links,
    get rings() {
      return rings;
    },

    update(viewers) {
      const present = new Set(viewers.map((viewer) => viewer.id));
      for (const node of nodes.values()) if (!present.has(node.id)) Object.assign(node, { toAlpha: 0, toRadius: node.radius + 0.1 });
      place(viewers);
      for (const viewer of viewers) nodes.get(viewer.id).viewer = viewer;
      connect(viewers);
    },

    clear() {
      nodes.clear();
      links.clear();
    },

    /** One step of `dt` seconds; true while anything visibly moves. */
    step(dt) {
      const k = 1 - Math.exp(-dt / EASE_S);
      let isMoving = false;
      for (const node of nodes.values()) {
        const turn = turnBetween(node.angle, node.toAngle);
        const out = node.toRadius - node.radius;
        const fade = node.toAlpha - node.alpha;
        if (Math.abs(turn) > 5e-4 || Math.abs(out) > 5e-4 || Math.abs(fade) > 0.01) isMoving = true;
        node.angle += turn * k;
        node.radius += out * k;
        node.alpha += fade * k;
        if (node.toAlpha === 0 && node.alpha < GONE_ALPHA) nodes.delete(node.id);
      }
      for (const [key, link] of links) {
        const fade = link.toAlpha - link.alpha;
        if (Math.abs(fade) > 0.01) isMoving = true;
        link.alpha += fade * k;
        const isLoose = !nodes.has(link.to) || (link.from !== 0 && !nodes.has(link.from));
        if (isLoose || (link.toAlpha === 0 && link.alpha < GONE_ALPHA)) links.delete(key);
      }
      return isMoving;
    },
  };
}
