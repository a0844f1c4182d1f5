// What the chapters below share: elements, messages, questions, and lists that are walked with the arrow keys.
// What comes from the server becomes text nodes and attributes, never markup; the policy of the page forbids the rest.

const at = (id) => document.getElementById(id);

/** An element. An attribute that is false or missing is left out; a function is called on the event of that name. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(attribute, value);
    else if (value !== false && value != null) element.setAttribute(attribute, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

const button = (text, click, attributes = {}) => make("button", { type: "button", click, ...attributes }, text);

/** Says what was done, to whoever listens to the page too. */
function tell(text) {
  at("told").textContent = text;
}

/** Says what went wrong, with the hint and whatever else may follow. */
function complain(error, ...more) {
  const parts = [make("strong", {}, error.title ?? "This page has failed")];
  if (error.message) parts.push(make("p", {}, error.message));
  if (error.hint) parts.push(make("p", {}, `Hint: ${error.hint}`));
  if (error.code) parts.push(make("p", {}, make("code", {}, `${error.status} ${error.code}`)));
  tell("");
  at("complaint").replaceChildren(...parts, make("div", { class: "bar" }, ...more, button("Dismiss", hush)));
}

function hush() {
  tell("");
  at("complaint").replaceChildren();
}

/** What a control does: the last complaint goes, and what goes wrong becomes the next. */
function act(work) {
  return async (event) => {
    event?.preventDefault();
    hush();
    try {
      await work(event);
    } catch (error) {
      if (!(error instanceof Unasked)) complain(error);
    }
  };
}

/** Asks before something that cannot be taken back; true when it may be done. */
function agreed(title, text, yes) {
  at("question-title").textContent = title;
  at("question-text").textContent = text;
  at("question-yes").textContent = yes;
  const dialog = at("question");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Makes a listbox one stop of the tabulator, in which arrow keys, Home and End move, and Enter and Space choose. */
function walk(list) {
  list.addEventListener("keydown", (event) => {
    const options = [...list.children];
    const here = options.indexOf(event.target);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: options.length - 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") event.target.click();
    else if (to === undefined) return;
    else focusOption(list, options[to]);
    event.preventDefault();
  });
}

function focusOption(list, option) {
  if (!option) return;
  for (const other of list.children) other.tabIndex = other === option ? 0 : -1;
  option.focus();
}

/** Fills a listbox. One option can be reached by the tabulator: the chosen one, else the first. */
function fill(list, options) {
  list.replaceChildren(...options);
  const reached = options.find((option) => option.getAttribute("aria-selected") === "true") ?? options[0];
  if (reached) reached.tabIndex = 0;
}

function select(list, chosen) {
  for (const option of list.children) {
    option.setAttribute("aria-selected", String(option === chosen));
    option.tabIndex = option === chosen ? 0 : -1;
  }
}

const option = (choose, isChosen, ...children) =>
  make("li", { role: "option", tabindex: "-1", "aria-selected": String(isChosen), click: choose }, ...children);

const count = (number) => number.toLocaleString("en");

function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; number >= 1024 && unit < units.length - 1; unit += 1) number /= 1024;
  return `${number >= 100 || unit === 0 ? Math.round(number) : number.toPrecision(3)} ${units[unit]}`;
}

/** A time to live or an age, in its two largest units. */
function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [[whole / 86400, "d"], [(whole / 3600) % 24, "h"], [(whole / 60) % 60, "min"], [whole % 60, "s"]]
    .map(([number, unit]) => [Math.floor(number), unit]);
  const first = parts.findIndex(([number]) => number > 0);
  return first < 0 ? "0 s" : parts.slice(first, first + 2).map(([number, unit]) => `${number} ${unit}`).join(" ");
}
