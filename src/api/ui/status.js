
// The status: what /metrics, /v1/stats and /readyz say every two seconds, while somebody can see it.

const LOOK_MS = 2_000;

/** A figure in seconds. */
function time(seconds) {
  if (seconds >= 1) return seconds < 100 ? `${seconds.toPrecision(3)} s` : duration(seconds);
  return seconds >= 0.001 ? `${(seconds * 1000).toPrecision(3)} ms` : `${Math.round(seconds * 1e6)} µs`;
}

const perSecond = (number) => `${number >= 10 ? count(Math.round(number)) : number.toFixed(1)}/s`;

/** Each chart: its title, how its numbers are written, its lines between two readings, and the unit of its scale. */
const CHARTS = [
  ["Requests by route", perSecond, ({ before, now, seconds }) =>
    rates(before, now, seconds, "memory_tools_requests_total", ({ method, route }) => `${method} ${route}`)],
  ["Requests refused (4xx) and failed (5xx)", perSecond, ({ before, now, seconds }) => {
    const all = rates(before, now, seconds, "memory_tools_requests_total", ({ status }) => `${status?.[0]}xx`);
    return new Map(["4xx", "5xx"].filter(() => all.size).map((name) => [name, all.get(name) ?? 0]));
  }],
  // Whoever follows the changes waits on purpose.
  ["Time to answer", time, (reading) =>
    quantiles(reading, "memory_tools_request_duration_seconds", ({ route }) => route !== "/v1/changes")],
  ["Connections", count, ({ now }) => levels(now, {
    connections: "memory_tools_connections",
    "readers of changes": "memory_tools_changes_connections",
  })],
  ["Documents", count, ({ now }) => levels(now, { documents: "memory_tools_documents" })],
  ["Memory", bytes, ({ now }) => levels(now, {
    resident: "process_resident_memory_bytes",
    "keys and values": "memory_tools_document_bytes",
  }), 1024],
  ["Journal", (number) => `${bytes(number)}/s`, ({ before, now, seconds }) =>
    rates(before, now, seconds, "memory_tools_journal_bytes_total", () => "written"), 1024],
  ["Sync of the journal", time, (reading) => quantiles(reading, "memory_tools_journal_fsync_seconds")],
  ["Age of the snapshot", duration, ({ now, unixSeconds }) => {
    const at = total(now, "memory_tools_snapshot_last_success_timestamp_seconds");
    return new Map(at === null ? [] : [["age", Math.max(0, unixSeconds - at)]]);
  }],
].map(([title, write, lines, unit = 1000]) => ({ ...chart(title, write, unit), lines }));

/** `isRefused`: the token does not reach the figures; until there is another one, health alone is looked at. */
const looks = { isPaused: false, isUnderway: false, isRefused: false, timer: 0, last: null };

function quantiles({ before, now }, name, wanted = () => true) {
  const read = (share) => quantile(before, now, name, share, wanted);
  return new Map(now.has(`${name}_bucket`) ? [["p50", read(0.5)], ["p99", read(0.99)]] : []);
}

function levels(page, names) {
  const found = Object.entries(names).map(([line, name]) => [line, total(page, name)]);
  return new Map(found.filter(([, value]) => value !== null));
}

/** Looks once, and again in a while unless it is paused, or nobody sees it. */
async function look() {
  if (looks.isUnderway) return;
  clearTimeout(looks.timer);
  looks.isUnderway = true;
  const used = token;
  try {
    await readHealth();
    if (!looks.isRefused) {
      await readFigures();
      note("");
    }
  } catch (error) {
    if (used === token) looks.isRefused = [401, 403].includes(error.status);
    looks.last = null;
    note([error.title, error.message, error.hint].filter(Boolean).join(": "));
  }
  looks.isUnderway = false;
  if (!looks.isPaused && !document.hidden) looks.timer = setTimeout(look, LOOK_MS);
}

function note(text) {
  if (at("status-note").textContent !== text) at("status-note").textContent = text;
}

async function readHealth() {
  let [text, state] = ["ready", "well"];
  try {
    await ask("GET", "/readyz");
  } catch (error) {
    [text, state] = error.status ? [error.message, "ill"] : ["unreachable", "ill"];
    if (!error.status) throw error;
  } finally {
    at("health").textContent = text;
    at("health").className = state;
  }
}

async function readFigures() {
  const [metrics, answer] = await Promise.all([ask("GET", "/metrics"), ask("GET", "/v1/stats")]);
  const now = { page: readMetrics(metrics.text), moment: performance.now() };
  // The clock of this machine may be another.
  const unixSeconds = Date.parse(metrics.headers.get("Date") ?? new Date()) / 1000;
  showTiles(JSON.parse(answer.text));
  const before = looks.last;
  looks.last = now;
  if (!before) return;
  const seconds = (now.moment - before.moment) / 1000;
  const reading = { before: before.page, now: now.page, seconds, unixSeconds };
  for (const { add, lines } of CHARTS) add(now.moment, lines(reading));
}

function showTiles(stats) {
  at("version").textContent = stats.version;
  const { journal, snapshot } = stats;
  const tiles = {
    "Up for": duration(stats.uptime_ms / 1000),
    Documents: count(stats.documents),
    Collections: count(stats.collections),
    Memory: stats.resident_bytes === undefined ? "unknown" : bytes(stats.resident_bytes),
    Journal: journal.mode === journal.state ? journal.mode : `${journal.mode}, ${journal.state}`,
    "Next LSN": count(stats.next_lsn),
    Snapshot: snapshot ? `${duration(snapshot.age_ms / 1000)} ago` : "none yet",
  };
  at("tiles").replaceChildren(...Object.entries(tiles).map(([name, text]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, text))));
}
