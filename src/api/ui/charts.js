
// Lines over the last minutes, as SVG. A chart knows numbers, names and a way to write them, and not what they mean.

const SVG = "http://www.w3.org/2000/svg";
const CHART_MS = 300_000;
const [WIDTH, HEIGHT] = [300, 80];
/** Lines of one chart: colours and dashes in the style sheet tell so many apart. */
const LINES_MAX = 6;

function draw(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

/**
 * A chart with its title, whose scale is in steps of `unit`; `add` takes a moment in milliseconds and the values at it
 * by their names, `null` for none.
 */
function chart(title, write, unit) {
  const points = [];
  /** The names by their lines: a name keeps its line as long as it has one. */
  const lines = [];
  const top = make("span", { class: "top" });
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  const nothing = () => make("li", {}, "No figures yet");
  const legend = make("ul", { class: "legend" }, nothing());
  const element = make("figure", {}, make("figcaption", {}, title), make("div", { class: "plot" }, top, svg), legend);

  function add(moment, values) {
    points.push({ moment, values });
    while (points[0].moment < moment - CHART_MS) points.shift();
    place(busiest());
    const named = lines.map((name, line) => [name, line]).filter(([name]) => name !== undefined);
    const shown = points.flatMap((point) => named.map(([name]) => point.values.get(name) ?? 0));
    const ceiling = rounded(Math.max(0, ...shown), unit);
    top.textContent = ceiling ? write(ceiling) : "";
    svg.replaceChildren(
      draw("path", { class: "grid", d: `M0 .5H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - 0.5}H${WIDTH}` }),
      ...named.map(([name, line]) => draw("path", { class: `line line-${line}`, d: path(name, moment, ceiling || 1) })),
    );
    const texts = named.map(([name, line]) => {
      const value = values.get(name);
      return { name, line, text: value == null ? "none" : write(value) };
    });
    const said = texts.map(({ name, text }) => `${name} ${text}`).join(", ");
    svg.setAttribute("aria-label", `${title}: ${said || "nothing yet"}`);
    if (!texts.length) legend.replaceChildren(nothing());
    else legend.replaceChildren(...texts.map(({ name, line, text }) =>
      make("li", {}, sign(line), make("span", { class: "name" }, name), make("b", {}, text))));
  }

  /** The names that get a line: all, or those with the most in them. */
  function busiest() {
    const sums = new Map();
    for (const { values } of points) {
      for (const [name, value] of values) sums.set(name, (sums.get(name) ?? 0) + (value ?? 0));
    }
    const names = [...sums.keys()];
    const most = new Set(names.toSorted((one, other) => sums.get(other) - sums.get(one)).slice(0, LINES_MAX));
    return names.filter((name) => most.has(name));
  }

  function place(names) {
    for (const [line, name] of lines.entries()) if (!names.includes(name)) lines[line] = undefined;
    for (const name of names.filter((name) => !lines.includes(name))) {
      const free = lines.indexOf(undefined);
      lines[free < 0 ? lines.length : free] = name;
    }
  }

  /** The line of a name, broken where there is no value. */
  function path(name, now, ceiling) {
    let [d, pen] = ["", "M"];
    for (const { moment, values } of points) {
      const value = values.get(name);
      if (value == null) {
        pen = "M";
        continue;
      }
      const x = WIDTH * (1 - (now - moment) / CHART_MS);
      const y = HEIGHT - 1 - (HEIGHT - 2) * (value / ceiling);
      // What stands alone is seen as a dash.
      d += pen === "M" ? `M${(x - 2).toFixed(1)} ${y.toFixed(1)}h2` : `L${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = "L";
    }
    return d;
  }
  return { element, add };
}

/** What a line looks like. */
function sign(line) {
  const stroke = draw("path", { class: `line line-${line}`, d: "M0 4H22" });
  return draw("svg", { class: "sign", viewBox: "0 0 22 8", "aria-hidden": "true" }, stroke);
}

/** The next of 1, 2, 5, 10, … of a power of `unit` that is not below. */
function rounded(number, unit) {
  if (number <= 0) return 0;
  const power = unit ** Math.floor(Math.log(number) / Math.log(unit));
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, unit].map((step) => step * power);
  return steps.find((step) => step >= number) ?? number;
}
