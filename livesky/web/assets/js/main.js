// Wires the edge's snapshots to the parts of the page. Each part draws itself and knows no other.

import { createBytesChart } from './charts/bytes.js';
import { createStagesChart } from './charts/stages.js';
import { createStartupChart } from './charts/startup.js';
import { byId } from './dom.js';
import { createFeed } from './feed.js';
import { createFigures } from './figures.js';
import { createHistory } from './history.js';
import { createOffload } from './offload.js';
import { createOverlay } from './overlay/overlay.js';
import { createPlayer } from './player.js';
import { createSelection } from './selection.js';
import { createStatus } from './status.js';
import { createTable } from './table.js';

const history = createHistory();
const selection = createSelection();
const player = createPlayer();
const overlay = createOverlay(selection);
const parts = [createOffload(), createFigures(), createBytesChart(), createStagesChart(), createStartupChart(), createTable(selection)];
const status = createStatus({ onChoose: choose });
let channel = new URLSearchParams(location.search).get('channel');

const feed = createFeed({
  state: (state, reason) => status.setConnection(state, reason),
  past: (json) => history.addPast(json),
  channels(overview) {
    const found = overview.channels.find(({ name }) => name === channel) ?? overview.channels[0];
    channel = found?.name ?? null;
    status.setOverview(overview, channel);
    if (found) feed.watch(found.name, found.isOnAir);
  },
  snapshot(snapshot) {
    history.addSnapshot(snapshot);
    byId('view').hidden = false;
    status.update(snapshot);
    overlay.update(snapshot, player.update(snapshot));
    for (const part of parts) part.update(snapshot, history);
  },
});

function choose(name) {
  channel = name;
  history.clear();
  selection.clear();
  overlay.clear();
  feed.watch(name, true);
}

feed.start();
