
// Reading /metrics: text to families, families to rates and quantiles. Nothing here knows how they are shown.

const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** The samples of a page by their name: labels and values. */
function readMetrics(text) {
  const page = new Map();
  for (const line of text.split("\n")) {
    const [, name, written, value] = SAMPLE.exec(line) ?? [];
    if (!name) continue;
    const labels = {};
    for (const [, label, escaped] of (written ?? "").matchAll(LABEL)) {
      labels[label] = escaped.replace(/\\(.)/g, (_, character) => (character === "n" ? "\n" : character));
    }
    if (!page.has(name)) page.set(name, []);
    page.get(name).push({ labels, value: value === "+Inf" ? Infinity : Number(value) });
  }
  return page;
}

/** The sum of all samples of a name; `null` when there is none. */
function total(page, name) {
  const samples = page.get(name);
  return samples?.length ? samples.reduce((sum, { value }) => sum + value, 0) : null;
}

/**
 * How fast the counters of a name have grown between two pages, by `group` of their labels, which gives `undefined` for
 * those that do not count; `null` over a restart.
 */
function rates(before, now, seconds, name, group) {
  const sums = (page) => {
    const found = new Map();
    for (const { labels, value } of page.get(name) ?? []) {
      const key = group(labels);
      if (key !== undefined) found.set(key, (found.get(key) ?? 0) + value);
    }
    return found;
  };
  const old = sums(before);
  return new Map([...sums(now)].map(([key, value]) => {
    const grown = value - (old.get(key) ?? 0);
    return [key, grown < 0 ? null : grown / seconds];
  }));
}

/**
 * The time, in seconds, that a share of what a histogram has counted between two pages did not exceed, of the samples
 * whose labels are `wanted`.
 */
function quantile(before, now, name, share, wanted) {
  const bound = (labels) => (wanted(labels) ? Number(labels.le.replace("+Inf", "Infinity")) : undefined);
  const buckets = rates(before, now, 1, `${name}_bucket`, bound);
  const bounds = [...buckets.keys()].sort((one, other) => one - other);
  const all = buckets.get(Infinity);
  if (!all) return null;
  let [floor, below] = [0, 0];
  for (const bound of bounds) {
    const within = buckets.get(bound);
    if (within === null) return null;
    if (within >= share * all) {
      // Beyond the last bound nothing is known but that it is beyond.
      return bound === Infinity ? floor : floor + ((bound - floor) * (share * all - below)) / (within - below);
    }
    [floor, below] = [bound, within];
  }
  return null;
}
