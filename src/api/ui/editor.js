
// Writing documents as text. Each write has a condition: that the document is the one that was read, or that there is
// none. When it does not hold, both versions are shown, and whoever writes decides.

/** What is being edited: where, from which entity tag (`null` for a new document), and the text at the beginning. */
let editing = null;

const isChanged = () => editing !== null && at("text").value !== editing.start;

/** True when nothing is lost by leaving the editor. */
async function mayLeave() {
  return !isChanged() || agreed("Leave without saving?", "What was changed here is lost then.", "Leave");
}

/** The one kind of line end in a text, which a text area would make plain line feeds. */
function lineEnd(text) {
  const kinds = new Set(text.match(/\r\n|\r|\n/g));
  return { end: kinds.size === 1 ? [...kinds][0] : "\n", areMixed: kinds.size > 1 };
}

function edit() {
  hush();
  const { collection, key, etag, text } = shown;
  const { end, areMixed } = lineEnd(text);
  const notes = ["It is stored as it stands here, to the byte, without the space around it."];
  if (areMixed) notes.push("Its line ends are of several kinds, and are saved as line feeds.");
  showEditor({ collection, key, etag, end }, text, [make("p", { id: "editor-note" }, notes.join(" "))]);
}

/** Shows a text area with `fields` before it; the words of the text area come from what is edited. */
function showEditor(begun, text, fields) {
  const area = make("textarea", {
    id: "text", spellcheck: "false", autocapitalize: "off", rows: "16", "aria-describedby": "editor-note",
    keydown: (event) => {
      if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.target.form.requestSubmit();
      }
    },
  });
  area.value = text;
  editing = { ...begun, start: area.value };
  at("document-body").replaceChildren(make("form", { submit: act(save) }, ...fields,
    make("label", { for: "text" }, "JSON"), area,
    make("div", { class: "bar" }, make("button", {}, "Save"), button("Cancel", act(cancel)))));
  area.form.querySelector("input, textarea").focus();
}

async function cancel() {
  if (!(await mayLeave())) return;
  if (editing.etag === null) {
    close("Choose a key, or make a new document.");
    at("create").focus();
    return;
  }
  showDocument();
  at("edit").focus();
}

async function create() {
  if (!(await mayLeave())) return;
  shown = null;
  at("document-title").textContent = "New document";
  const field = (id, label, value, about) => make("p", {}, make("label", { for: id }, label),
    make("input", { id, value, autocomplete: "off", autocapitalize: "off", spellcheck: "false", placeholder: about }));
  showEditor({ etag: null, end: "\n" }, "{}", [
    field("new-key", "Key", place.prefix, ""),
    field("new-collection", "Collection", place.collection ?? "", "none: the main store"),
    field("new-ttl", "Time to live", "", "none: that of the collection"),
    make("p", { id: "editor-note" }, "It is stored as it stands here, unless there is a document with this key."),
  ]);
}

async function save() {
  const written = at("text").value.replaceAll("\n", editing.end);
  try {
    if (editing.etag === null) await saveNew(written);
    else if (isChanged()) await write(editing, written);
    else {
      showDocument();
      at("edit").focus();
      tell("Nothing was changed");
    }
  } catch (error) {
    if (error.status === 412) await (editing.etag === null ? taken(error) : compare(written));
    else {
      if (error.offset !== undefined) pointAt(written, error.offset);
      throw error;
    }
  }
}

async function saveNew(written) {
  const [key, collection, ttl] = ["new-key", "new-collection", "new-ttl"].map((id) => at(id).value);
  if (!key) throw new Problem(0, { title: "A document needs a key" });
  Object.assign(editing, { key, collection: collection === "" ? null : collection });
  await write(editing, written, ttl.trim() ? { ttl: ttl.trim() } : {});
}

/** Writes under the condition of what is edited, and shows what is stored then. */
async function write({ collection, key, etag }, text, terms = {}) {
  const [condition, kept] = etag === null ? [{ "If-None-Match": "*" }, {}] : [{ "If-Match": etag }, { keep_ttl: true }];
  const headers = { ...condition, "Content-Type": "application/json" };
  const stored = await ask("PUT", base(collection), { query: { key, ...kept, ...terms }, headers, body: text });
  editing = null;
  await open(collection, key);
  at("edit").focus();
  tell(`${key} is stored as version ${version(stored.headers.get("ETag"))}`);
  await refresh();
}

/** Puts the caret where the server has found what is no JSON: so many bytes into what was sent. */
function pointAt(written, offset) {
  const before = new TextDecoder().decode(new TextEncoder().encode(written).subarray(0, offset));
  const caret = before.replace(/\r\n?/g, "\n").length;
  at("text").focus();
  at("text").setSelectionRange(caret, caret + 1);
}

function taken(error) {
  const { collection, key } = editing;
  error.title = "There is a document with this key already";
  complain(error, button("Show it", act(async () => {
    if (await mayLeave()) await open(collection, key);
  })));
}

/** Shows what is stored beside what was to be. */
async function compare(mine) {
  const { collection, key } = editing;
  let theirs = null;
  try {
    theirs = await read(collection, key, Infinity);
  } catch (error) {
    if (error.status !== 404) throw error;
  }
  const form = at("text").form;
  const back = () => {
    at("compared").remove();
    form.hidden = false;
    at("text").focus();
  };
  const [theirLines, myLines] = marked(theirs?.text ?? "", mine);
  const now = theirs ? `Stored now: version ${version(theirs.etag)}` : "Deleted meanwhile";
  const choices = [
    button(theirs ? "Replace it with mine" : "Store mine again", act(async () => {
      try {
        await write({ collection, key, etag: theirs?.etag ?? null }, mine);
      } catch (error) {
        if (error.status !== 412) throw error;
        at("compared").remove();
        await compare(mine);
      }
    }), { class: "danger" }),
    button(theirs ? "Keep what is stored" : "Leave it deleted", act(async () => {
      editing = null;
      if (theirs) await open(collection, key);
      else close("It is deleted.");
      await refresh();
    })),
    button("Go on editing mine", back),
  ];
  form.hidden = true;
  form.after(make("section", { id: "compared", "aria-labelledby": "compared-title" },
    make("h4", { id: "compared-title", tabindex: "-1" }, "It was changed while you edited it. Nothing was stored."),
    make("div", { class: "sides" },
      make("div", {}, make("h5", {}, now), theirs ? scrolled("What is stored now", ...theirLines) : ""),
      make("div", {}, make("h5", {}, `Yours, from version ${version(editing.etag)}`), scrolled("Yours", ...myLines))),
    make("div", { class: "bar" }, ...choices)));
  at("compared-title").focus();
}

/** Two texts with what differs marked: all but the lines that begin and end both. */
function marked(one, other) {
  const [ones, others] = [one, other].map((text) => text.split(/(?<=\n)/));
  const shorter = Math.min(ones.length, others.length);
  let start = 0;
  while (start < shorter && ones[start] === others[start]) start += 1;
  let end = 0;
  while (end < shorter - start && ones.at(-1 - end) === others.at(-1 - end)) end += 1;
  return [ones, others].map((lines) => [
    lines.slice(0, start).join(""),
    make("mark", {}, lines.slice(start, lines.length - end).join("")),
    lines.slice(lines.length - end).join(""),
  ]);
}
