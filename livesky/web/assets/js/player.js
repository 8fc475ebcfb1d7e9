// The video: what a P2P-fed viewer received, or the edge's own HLS, and plain words when it does not play.

import { shortId } from './format.js';
import { byId, el, press, setText } from './dom.js';
import { feedersSentence, parentChips } from './parents.js';

const H264 = 'video/mp4; codecs="avc1.42E01E,mp4a.40.2"';
const RETRY_MS = 2500;
const FACTS_EVERY_MS = 1000;

export function createPlayer() {
  const video = byId('video');
  const buttons = { p2p: byId('video-p2p'), edge: byId('video-edge') };
  let wanted = 'p2p';
  let playing = { kind: null, url: null };
  let latest = null;
  let hls = null;
  let retry = 0;

  function say(title, detail) {
    byId('video-message').replaceChildren(el('b', {}, title), detail);
    byId('video-message').hidden = false;
  }

  function quiet() {
    byId('video-message').hidden = true;
  }

  function stop() {
    clearTimeout(retry);
    hls?.destroy();
    hls = null;
    video.removeAttribute('src');
  }

  function fail(title, detail) {
    say(title, `${detail} Trying again.`);
    clearTimeout(retry);
    const failed = playing.url;
    retry = setTimeout(() => playing.url === failed && load(failed), RETRY_MS);
  }

  async function load(url) {
    stop();
    const address = new URL(url, document.baseURI).href;
    const canUseSource = 'MediaSource' in window || 'ManagedMediaSource' in window;
    if (!canUseSource && video.canPlayType('application/vnd.apple.mpegurl')) {
      video.src = address;
      return start();
    }
    const Source = window.ManagedMediaSource ?? window.MediaSource;
    if (!Source?.isTypeSupported(H264)) {
      return say('This browser cannot play H.264', `Open ${address} in VLC or ffplay instead; the figures on this page are live all the same.`);
    }
    const { default: Hls } = await import('../vendor/hls.light.min.mjs');
    if (playing.url !== url) return;
    attach(Hls, address);
  }

  function attach(Hls, address) {
    let mediaErrors = 0;
    hls = new Hls({ enableWorker: false, liveSyncDurationCount: 2, liveMaxLatencyDurationCount: 8, backBufferLength: 20, maxBufferLength: 20 });
    hls.on(Hls.Events.ERROR, (_, error) => {
      if (!error.fatal) return;
      if (error.type === Hls.ErrorTypes.MEDIA_ERROR && mediaErrors < 2) {
        mediaErrors += 1;
        return hls.recoverMediaError();
      }
      const code = error.response?.code ? ` (HTTP ${error.response.code})` : '';
      fail('Playback failed', `${error.details}${code}: ${error.error?.message ?? address}.`);
    });
    hls.on(Hls.Events.MANIFEST_PARSED, start);
    hls.loadSource(address);
    hls.attachMedia(video);
  }

  function start() {
    video.play()?.catch((error) => {
      if (error.name === 'NotAllowedError') say('Press play', 'The browser does not start videos by itself.');
    });
  }

  /** The chosen source if it is there, the other one otherwise. */
  function follow() {
    if (latest === null) return;
    const kind = latest.video[wanted] ? wanted : ['p2p', 'edge'].find((other) => latest.video[other]) ?? null;
    const url = kind && latest.video[kind].url;
    buttons.p2p.disabled = latest.video.p2p === null;
    buttons.edge.disabled = latest.video.edge === null;
    press(Object.values(buttons), buttons[kind ?? wanted]);
    if (url !== playing.url) {
      playing = { kind, url };
      quiet();
      if (url) load(url);
      else {
        stop();
        say('No video yet', latest.channel.isOnAir ? 'Waiting for the first key frame.' : 'The channel is off the air.');
      }
    }
    describe(kind);
  }

  function describe(kind) {
    const viewer = kind === 'p2p' ? latest.viewers.find(({ id }) => id === latest.video.p2p.viewer) : null;
    const line = byId('video-source');
    const chips = byId('video-parents');
    if (viewer) {
      line.replaceChildren('What ', el('b', {}, `viewer #${shortId(viewer.id)}`), ` received: ${feedersSentence(viewer)}.`);
      chips.replaceChildren(...parentChips(viewer));
      return;
    }
    chips.replaceChildren();
    if (kind === 'p2p') setText(line, `What viewer #${shortId(latest.video.p2p.viewer)} received.`);
    else if (kind === 'edge') setText(line, wanted === 'p2p' ? 'Straight from the edge: no P2P-fed viewer offers its video here.' : 'Straight from the edge, without any peer.');
    else setText(line, '');
  }

  function showFacts() {
    if (video.readyState < 2 || !video.videoWidth) return setText(byId('video-facts'), '');
    const end = video.buffered.length ? video.buffered.end(video.buffered.length - 1) : video.currentTime;
    const ahead = Math.max(0, end - video.currentTime);
    setText(byId('video-facts'), `${video.videoWidth} × ${video.videoHeight}, ${ahead.toFixed(1)} s ahead`);
  }

  for (const [kind, button] of Object.entries(buttons)) {
    button.addEventListener('click', () => {
      wanted = kind;
      follow();
    });
  }
  video.addEventListener('playing', quiet);
  video.addEventListener('error', () => {
    if (hls === null && video.hasAttribute('src')) fail('Playback failed', video.error?.message || `media error ${video.error?.code ?? ''}.`);
  });
  setInterval(showFacts, FACTS_EVERY_MS);

  return {
    update(snapshot) {
      latest = snapshot;
      follow();
      return playing.kind === 'p2p' ? snapshot.video.p2p.viewer : null;
    },
  };
}
