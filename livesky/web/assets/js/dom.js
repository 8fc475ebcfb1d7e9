// Elements, built so that text from the network can only ever be text.

export function byId(id) {
  return document.getElementById(id);
}

/** el('dd', { class: 'num' }, 'text', child, ...) */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Writes only what changed: a page that is redrawn each second keeps selections and layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A coloured dot; colours come from the palette, never from data. */
export function dot(colour) {
  const node = el('i', { class: 'dot' });
  node.style.setProperty('--dot', colour);
  return node;
}

export function press(buttons, chosen) {
  for (const button of buttons) button.setAttribute('aria-pressed', String(button === chosen));
}
