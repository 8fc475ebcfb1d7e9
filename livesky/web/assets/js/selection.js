// The viewer a person points at or has picked, shared by the overlay and the table.

export function createSelection() {
  const listeners = [];
  let hovered = null;
  let picked = null;

  function change(nextHovered, nextPicked) {
    if (nextHovered === hovered && nextPicked === picked) return;
    hovered = nextHovered;
    picked = nextPicked;
    for (const listener of listeners) listener();
  }

  return {
    get current() {
      return hovered ?? picked;
    },
    get picked() {
      return picked;
    },
    hover: (id) => change(id, picked),
    pick: (id) => change(null, id === picked ? null : id),
    clear: () => change(null, null),
    onChange: (listener) => listeners.push(listener),
  };
}
