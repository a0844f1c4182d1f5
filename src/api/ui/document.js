
// One document: shown as it is stored or indented by the server, its deadline changed, deleted.
// Nothing here reads the JSON: a number has the digits that it was stored with.

const SHOWN_BYTES_MAX = 1 << 20;

/** The document that is shown: where it is, its entity tag, its text and its deadline; `null` when there is none. */
let shown = null;
let isPretty = true;
let opening = 0;

async function read(collection, key, bytesMax) {
  const query = isPretty ? { key, pretty: true } : { key };
  const { headers, text, length } = await ask("GET", base(collection), { query, bytesMax });
  const ttl = headers.get("MT-TTL");
  return {
    collection, key, text, length,
    etag: headers.get("ETag"),
    expiresAt: headers.get("MT-Expires-At"),
    // By the clock of this page, which may be set wrong but does not jump.
    expiry: ttl === null ? null : performance.now() + Number(ttl) * 1000,
  };
}

async function open(collection, key, { bytesMax = SHOWN_BYTES_MAX } = {}) {
  const turn = ++opening;
  let found;
  try {
    found = await read(collection, key, bytesMax);
  } catch (error) {
    if (turn !== opening) throw new Unasked();
    if (error.status === 404) close("It is not there, or not any more.");
    throw error;
  }
  if (turn !== opening) return;
  shown = found;
  showDocument();
  at("document-title").focus();
}

function close(text) {
  shown = null;
  editing = null;
  at("document-title").textContent = "Document";
  at("document-body").replaceChildren(make("p", {}, text));
}

const version = (etag) => etag.replaceAll('"', "");

function showDocument() {
  const { collection, key, etag, text, length } = shown;
  editing = null;
  at("document-title").replaceChildren(make("code", {}, key));
  const facts = {
    Collection: called(collection),
    Version: version(etag),
    Size: `${count(length)} bytes${isPretty ? " as it is shown" : ""}`,
  };
  const modes = [["Pretty", true], ["Raw", false]].map(([name, mode]) =>
    button(name, act(() => showAs(mode)), { "aria-pressed": String(isPretty === mode) }));
  const actions = [
    button("Edit", edit, { id: "edit", disabled: text === undefined }),
    button("Delete", act(remove), { class: "danger" }),
    button("Refresh", act(() => open(collection, key))),
  ];
  at("document-body").replaceChildren(
    make("dl", { class: "facts" }, ...Object.entries(facts).map(([name, fact]) =>
      make("div", {}, make("dt", {}, name), make("dd", {}, fact))),
      make("div", {}, make("dt", {}, "Expires"), make("dd", { id: "expires" }))),
    make("div", { class: "bar" },
      make("span", { class: "bar", role: "group", "aria-label": "Shown" }, ...modes), ...actions),
    text === undefined ? tooLarge() : scrolled("The document", text),
    deadlineForm(),
  );
  showExpiry();
}

/** A text that the keyboard can scroll. */
const scrolled = (name, ...text) => make("pre", { tabindex: "0", role: "region", "aria-label": name }, ...text);

function tooLarge() {
  const { collection, key, length } = shown;
  return make("p", {}, `It has ${bytes(length)}, which may keep this page busy for a while. `,
    button("Show it all the same", act(() => open(collection, key, { bytesMax: Infinity }))));
}

async function showAs(mode) {
  isPretty = mode;
  await open(shown.collection, shown.key);
}

function showExpiry() {
  const place = at("expires");
  if (!place || !shown) return;
  const seconds = shown.expiry === null ? null : (shown.expiry - performance.now()) / 1000;
  if (seconds === null) place.textContent = "never";
  else place.textContent = seconds <= 0 ? "it has expired" : `in ${duration(seconds)} (${shown.expiresAt})`;
}

function deadlineForm() {
  const input = make("input", { id: "ttl", autocomplete: "off", placeholder: "90, 1h30m", size: "10" });
  const change = (ttl) => act(async () => {
    const { collection, key, etag } = shown;
    const query = { key, only: "ttl", ttl: ttl ?? input.value.trim() };
    await guarded(() => ask("PUT", base(collection), { query, headers: { "If-Match": etag } }));
    await open(collection, key);
    tell(`${key}: the time to live was changed`);
    await listKeys();
  });
  return make("form", { class: "bar", submit: change() }, make("label", { for: "ttl" }, "Time to live"), input,
    make("button", {}, "Set"), button("Never expires", change("never")));
}

async function remove() {
  const { collection, key, etag } = shown;
  const which = `${key}, version ${version(etag)}, in ${called(collection)}`;
  if (!(await agreed("Delete this document?", which, "Delete"))) return;
  await guarded(() => ask("DELETE", base(collection), { query: { key }, headers: { "If-Match": etag } }));
  close("Choose a key, or make a new document.");
  tell(`${key} was deleted`);
  await refresh();
  (at("keys").querySelector("[tabindex='0']") ?? at("create")).focus();
}

/** A write of what is shown; when it has changed meanwhile, nothing was done, and what there is now is shown. */
async function guarded(write) {
  try {
    return await write();
  } catch (error) {
    if (error.status === 412) {
      await open(shown.collection, shown.key);
      error.hint = "it was changed meanwhile, and nothing was done; what is shown is what there is now";
    }
    throw error;
  }
}
