// The overlay card: one canvas, a choice of substream, and pointing at viewers.

import { byId, dot, el, press, setText } from '../dom.js';
import { canvasColours, onSchemeChange, substreamVar } from '../palette.js';
import { createCard } from './card.js';
import { locateAll, paintFeeds, paintViewers } from './draw.js';
import { frameOf } from './geometry.js';
import { createGraph } from './graph.js';

/** While only dots flow, half the frames do; a demo shares its processor with this page. */
const FLOW_FRAME_MS = 33;
const REACH_PX = { mouse: 14, touch: 26, pen: 18 };
const STEP_MAX_S = 0.1;

export function createOverlay(selection) {
  const canvas = byId('overlay');
  const context = canvas.getContext('2d');
  const layer = document.createElement('canvas');
  const layerContext = layer.getContext('2d');
  const graph = createGraph();
  const card = createCard();
  const stillness = matchMedia('(prefers-reduced-motion: reduce)');
  const view = { substreams: 0, substream: null, rateBps: 1, viewers: 0, focus: null, playing: null, colours: null, isMotionWelcome: !stillness.matches };
  let frame = frameOf(300, 300);
  let isStale = true;
  let isVisible = true;
  let lastMs = 0;
  let request = 0;

  function recolour() {
    view.colours = canvasColours(Math.max(1, view.substreams));
    refresh();
  }

  function refresh() {
    isStale = true;
    wake();
  }

  function wake() {
    if (request === 0 && isVisible && view.colours) request = requestAnimationFrame(paint);
  }

  function resize() {
    const box = canvas.getBoundingClientRect();
    if (box.width < 10 || box.height < 10) return;
    const scale = Math.min(2, devicePixelRatio || 1);
    for (const target of [canvas, layer]) {
      target.width = Math.round(box.width * scale);
      target.height = Math.round(box.height * scale);
      target.getContext('2d').setTransform(scale, 0, 0, scale, 0, 0);
    }
    frame = frameOf(box.width, box.height);
    refresh();
  }

  function paint(nowMs) {
    request = 0;
    if (!isStale && nowMs - lastMs < FLOW_FRAME_MS - 4) return wake();
    const isMoving = graph.step(Math.min(STEP_MAX_S, (nowMs - lastMs) / 1000));
    lastMs = nowMs;
    if (isStale || isMoving) {
      locateAll(graph, frame, view);
      paintFeeds(layerContext, graph, frame, view);
      showCard();
    }
    isStale = isMoving;
    context.clearRect(0, 0, frame.width, frame.height);
    context.drawImage(layer, 0, 0, frame.width, frame.height);
    paintViewers(context, graph, frame, view, view.isMotionWelcome ? nowMs / 1000 : 0);
    if (isMoving || view.isMotionWelcome) wake();
  }

  function showCard() {
    const node = view.focus === null ? null : graph.nodes.get(view.focus);
    if (node?.viewer && node.toAlpha === 1) card.show(node.viewer, view.rateBps, node, frame);
    else card.hide();
  }

  function nearest(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = null;
    let reach = REACH_PX[event.pointerType] ?? REACH_PX.mouse;
    for (const node of graph.nodes.values()) {
      const distance = Math.hypot(node.x - x, node.y - y) - (node.size ?? 0) / 2;
      if (distance < reach && node.toAlpha === 1) [best, reach] = [node.id, distance];
    }
    return best;
  }

  function listen() {
    canvas.addEventListener('pointermove', (event) => {
      if (event.pointerType === 'mouse') selection.hover(nearest(event));
    });
    canvas.addEventListener('pointerleave', () => selection.hover(null));
    canvas.addEventListener('click', (event) => {
      const id = nearest(event);
      if (id === null) selection.clear();
      else selection.pick(id);
    });
    canvas.addEventListener('keydown', (event) => handleKey(event));
    selection.onChange(() => {
      view.focus = selection.current;
      canvas.style.cursor = view.focus === null ? 'default' : 'pointer';
      refresh();
    });
    stillness.addEventListener('change', () => {
      view.isMotionWelcome = !stillness.matches;
      refresh();
    });
    onSchemeChange(recolour);
    new ResizeObserver(resize).observe(canvas);
    new IntersectionObserver(([entry]) => {
      isVisible = entry.isIntersecting;
      refresh();
    }).observe(canvas);
  }

  /** Arrow keys walk round the viewers, Escape lets go. */
  function handleKey(event) {
    if (event.key === 'Escape') return selection.clear();
    const turn = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!turn) return;
    event.preventDefault();
    const ids = [...graph.nodes.values()].filter((node) => node.toAlpha === 1).sort((a, b) => a.ring - b.ring || a.toAngle - b.toAngle).map((node) => node.id);
    if (!ids.length) return;
    const at = ids.indexOf(selection.picked);
    selection.pick(ids[(at + turn + ids.length) % ids.length]);
  }

  function choices() {
    const buttons = [null, ...Array(view.substreams).keys()].map((substream) => {
      const button = substream === null
        ? el('button', { type: 'button' }, 'All substreams')
        : el('button', { type: 'button', 'aria-label': `Substream ${substream}` }, dot(substreamVar(substream)), String(substream));
      button.addEventListener('click', () => {
        view.substream = substream;
        press(buttons, button);
        refresh();
      });
      return button;
    });
    view.substream = null;
    press(buttons, buttons[0]);
    byId('substreams').replaceChildren(...buttons);
  }

  listen();
  return {
    update(snapshot, playing) {
      if (snapshot.channel.substreams !== view.substreams) {
        view.substreams = snapshot.channel.substreams;
        choices();
        recolour();
      }
      Object.assign(view, { rateBps: snapshot.channel.rateBps, viewers: snapshot.viewers.length, playing });
      graph.update(snapshot.viewers);
      if (selection.picked !== null && !graph.nodes.has(selection.picked)) selection.clear();
      const feeds = snapshot.viewers.reduce((sum, viewer) => sum + viewer.parents.filter((parent) => parent !== null && parent !== 0).length, 0);
      setText(byId('overlay-facts'), `${snapshot.viewers.length} viewers, ${feeds} feeds between them`);
      refresh();
    },
    clear() {
      graph.clear();
      refresh();
    },
  };
}
