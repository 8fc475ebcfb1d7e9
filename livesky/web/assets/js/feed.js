// The connection to the edge: which channels there are, and one channel's snapshots as they come.

import { readChannels, readSnapshot } from './snapshot.js';

const RETRY_MS = 3000;
const CHANNELS_EVERY_MS = 5000;
/** Snapshots come each second; after this long without one the connection is not live, whatever the socket says. */
const SILENCE_MS = 4000;

/** Calls `on.channels`, `on.snapshot`, `on.past` and `on.state` ('connecting' | 'live' | 'reconnecting' | 'ended', reason). */
export function createFeed(on) {
  let source = null;
  let channel = null;
  let silence = 0;
  let hasPast = false;
  let isEnded = false;

  async function refreshChannels() {
    try {
      const answer = await fetch('api/channels', { cache: 'no-store' });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      on.channels(readChannels(await answer.json()));
    } catch {
      if (source === null && !isEnded) on.state('reconnecting', '');
    }
    setTimeout(refreshChannels, CHANNELS_EVERY_MS);
  }

  function armSilence() {
    clearTimeout(silence);
    silence = setTimeout(() => on.state('reconnecting', ''), SILENCE_MS);
  }

  async function fetchPast(name) {
    try {
      const answer = await fetch(`api/history?channel=${encodeURIComponent(name)}`, { cache: 'no-store' });
      if (answer.ok && name === channel) on.past(await answer.json());
    } catch {
      // The charts then begin at the first snapshot.
    }
  }

  function handleState(event) {
    let snapshot;
    try {
      snapshot = readSnapshot(JSON.parse(event.data));
    } catch {
      return;
    }
    armSilence();
    on.state('live', '');
    if (!hasPast && snapshot.channel.historyS > 0) {
      hasPast = true;
      fetchPast(channel);
    }
    on.snapshot(snapshot);
  }

  function handleEnded(event) {
    let reason = '';
    try {
      reason = String(JSON.parse(event.data).reason ?? '');
    } catch {
      // An end without a reason is still an end.
    }
    close();
    isEnded = true;
    on.state('ended', reason);
  }

  function close() {
    clearTimeout(silence);
    source?.close();
    source = null;
  }

  function open() {
    source = new EventSource(`api/events?channel=${encodeURIComponent(channel)}`);
    source.addEventListener('state', handleState);
    source.addEventListener('ended', handleEnded);
    source.addEventListener('error', () => {
      on.state('reconnecting', '');
      // A refusal closes the source for good, a broken connection does not.
      if (source?.readyState !== EventSource.CLOSED) return;
      const refused = channel;
      close();
      setTimeout(() => {
        if (channel === refused && source === null && !isEnded) open();
      }, RETRY_MS);
    });
  }

  return {
    start: refreshChannels,
    /** `isOnAir`: a channel that ended is watched again once somebody publishes it. */
    watch(name, isOnAir) {
      if (name === channel && (source !== null || (isEnded && !isOnAir))) return;
      close();
      channel = name;
      hasPast = false;
      isEnded = false;
      on.state('connecting', '');
      open();
    },
  };
}
