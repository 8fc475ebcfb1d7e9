// The edge's JSON (docs/api.md) made safe to draw: every field present, of its type, within bounds.

const SUBSTREAMS_MAX = 64;
const VIEWERS_MAX = 5000;
const STARTUPS_MAX = 256;
const WHY_MAX = 5;

const num = (value, otherwise = 0) => (typeof value === 'number' && Number.isFinite(value) ? value : otherwise);
const text = (value) => (typeof value === 'string' ? value : '');
const list = (value) => (Array.isArray(value) ? value : []);
const part = (value) => (value !== null && typeof value === 'object' ? value : {});

export function readSnapshot(json) {
  const raw = part(json);
  const channel = part(raw.channel);
  const edge = part(raw.edge);
  const substreams = Math.min(SUBSTREAMS_MAX, Math.max(1, Math.floor(num(channel.substreams, 1))));
  return {
    channel: {
      name: text(channel.name), isOnAir: channel.on_air === true, rateBps: num(channel.rate_bps), substreams,
      levelsMax: num(channel.levels_max, 2), targetBufferMs: num(channel.target_buffer_ms),
      uptimeS: num(channel.uptime_s), historyS: num(channel.history_s),
    },
    edge: { address: text(edge.address), capacityBps: num(edge.capacity_bps), egressBps: num(edge.egress_bps) },
    scaling: readScaling(part(raw.scaling)),
    bytes: readBytes(part(raw.bytes)),
    offload: readOffload(part(raw.offload)),
    quality: readQuality(part(raw.quality)),
    viewers: list(raw.viewers).slice(0, VIEWERS_MAX).map((viewer) => readViewer(part(viewer), substreams)),
    why: list(raw.why).filter((line) => typeof line === 'string').slice(0, WHY_MAX),
    video: readVideo(part(raw.video)),
  };
}

export function readChannels(json) {
  const raw = part(json);
  return {
    program: text(raw.program), role: text(raw.role), publishCommand: text(raw.publish_command),
    channels: list(raw.channels).map(part).filter((channel) => text(channel.name) !== '')
      .map((channel) => ({ name: text(channel.name), isOnAir: channel.on_air === true })),
  };
}

function readScaling(raw) {
  const n1 = num(raw.n1, 1);
  const s = Math.min(1, Math.max(1e-4, num(raw.s, 1)));
  const nStar = num(raw.n_star, n1);
  return {
    stage: num(raw.stage, 1), p0: num(raw.p0), nc: num(raw.nc), n1, nStar, s, slope: num(raw.slope, s),
    alpha: num(raw.alpha), gamma: num(raw.gamma), delta: num(raw.delta), churnIntervalS: num(raw.churn_interval_s),
    n1OverS: num(raw.n1_over_s, n1 / s), nStarOverS: num(raw.n_star_over_s, nStar / s),
  };
}

function readBytes(raw) {
  const names = ['burst', 'push', 'rescue', 'pull', 'peers', 'legacy', 'control', 'fragment_headers', 'duplicates'];
  return Object.fromEntries(names.map((name) => [name, num(raw[name])]));
}

function readOffload(raw) {
  return { bytesTotal: num(raw.bytes_total, null), bytes10s: num(raw.bytes_10s, null), viewers: num(raw.viewers, null) };
}

function readQuality(raw) {
  return {
    continuity: num(raw.continuity, null), stalls: num(raw.stalls), stalledViewers: num(raw.stalled_viewers),
    viewersSeen: num(raw.viewers_seen), startupP50Ms: num(raw.startup_p50_ms, null), startupP95Ms: num(raw.startup_p95_ms, null),
    startupMs: list(raw.startup_ms).filter((ms) => Number.isFinite(ms) && ms >= 0).slice(-STARTUPS_MAX),
  };
}

function readViewer(raw, substreams) {
  const parents = list(raw.parents);
  return {
    id: num(raw.id), address: text(raw.address), isPush: raw.class === 'push',
    state: ['startup', 'playing', 'stall'].includes(raw.state) ? raw.state : 'startup',
    level: Math.max(0, Math.floor(num(raw.level))), ageS: num(raw.age_s), uplinkBps: num(raw.uplink_bps),
    slots: num(raw.slots), slotsUsed: num(raw.slots_used), bufferMs: num(raw.buffer_ms), startupMs: num(raw.startup_ms, null),
    stalls: num(raw.stalls), uploadBps: num(raw.upload_bps), bytesEdge: num(raw.bytes_edge), bytesPeers: num(raw.bytes_peers),
    parents: Array.from({ length: substreams }, (_, k) => num(parents[k], null)),
  };
}

function readVideo(raw) {
  const source = (value) => (text(part(value).url) === '' ? null : { url: value.url, viewer: num(value.viewer, null) });
  return { p2p: source(raw.p2p), edge: source(raw.edge) };
}
