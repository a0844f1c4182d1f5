
// Collections with their counts, and the keys of one of them by prefix, page by page.

const [COLLECTIONS_ON_A_PAGE, KEYS_ON_A_PAGE] = [100, 50];

/** What is listed. `cursors` lead to the page that is shown, `next` to the one behind it. */
const place = { collection: null, prefix: "", cursors: [], next: undefined, turn: 0 };

async function listCollections() {
  const main = await mainStore();
  const list = at("collections");
  try {
    const { collections, cursor } = await collectionsBehind();
    fill(list, [main, ...collections]);
    moreBehind(cursor);
  } catch (error) {
    // Whoever may not list them all may still be let into one.
    if (error.status !== 403) throw error;
    fill(list, [main]);
    moreBehind(undefined);
  }
}

async function mainStore() {
  try {
    const counted = JSON.parse((await ask("GET", "/v1/docs", { query: { count: true } })).text);
    return collectionOption(null, `${count(counted.count)}${counted.more ? "+" : ""}`);
  } catch (error) {
    if (error.status !== 403) throw error;
    return collectionOption(null, "");
  }
}

async function collectionsBehind(cursor) {
  const query = { limit: COLLECTIONS_ON_A_PAGE, ...(cursor === undefined ? {} : { cursor }) };
  const page = JSON.parse((await ask("GET", "/v1/collections", { query })).text);
  const collections = page.collections.map(({ name, documents }) => collectionOption(name, count(documents)));
  return { ...page, collections };
}

function moreBehind(cursor) {
  const more = at("collections-more");
  more.hidden = cursor === undefined;
  more.onclick = act(async () => {
    const page = await collectionsBehind(cursor);
    at("collections").append(...page.collections);
    moreBehind(page.cursor);
    focusOption(at("collections"), page.collections[0]);
  });
}

function collectionOption(collection, documents) {
  const choose = act(async (event) => {
    const chosen = event.currentTarget;
    await visit(collection);
    select(at("collections"), chosen);
  });
  const name = make("span", { class: collection === null ? "name main" : "name" }, called(collection));
  return option(choose, collection === place.collection, name, make("span", { class: "count" }, documents));
}

/** Lists a collection from its beginning. */
async function visit(collection) {
  Object.assign(place, { collection, cursors: [] });
  await listKeys();
}

async function listKeys() {
  const turn = ++place.turn;
  const { collection, prefix, cursors } = place;
  at("keys-title").textContent = `Keys of ${called(collection)}`;
  const query = { limit: KEYS_ON_A_PAGE };
  if (prefix) query.prefix = prefix;
  if (cursors.length) query.cursor = cursors.at(-1);
  const list = at("keys");
  list.setAttribute("aria-busy", "true");
  try {
    const { items, cursor } = JSON.parse((await ask("GET", base(collection), { query })).text);
    if (turn !== place.turn) return;
    place.next = cursor;
    fill(list, items.map((item) => keyOption(collection, item)));
    const range = cursors.length ? `, page ${cursors.length + 1}` : "";
    at("keys-note").textContent = items.length ? `${items.length} keys${range}` : "No keys here.";
  } catch (error) {
    if (turn !== place.turn) throw new Unasked();
    place.next = undefined;
    fill(list, []);
    at("keys-note").textContent = "";
    throw error;
  } finally {
    list.removeAttribute("aria-busy");
    at("keys-before").disabled = !cursors.length;
    at("keys-behind").disabled = place.next === undefined;
  }
}

function keyOption(collection, { key, version, expires_at: expiresAt }) {
  const choose = act(async (event) => {
    const chosen = event.currentTarget;
    if (!(await mayLeave())) return;
    await open(collection, key);
    select(at("keys"), chosen);
  });
  const isChosen = shown?.key === key && shown.collection === collection;
  const about = expiresAt ? `version ${version}, expires ${expiresAt.replace(/\.\d+Z$/, "Z")}` : `version ${version}`;
  return option(choose, isChosen, make("span", { class: "name" }, key), make("span", { class: "about" }, about));
}

/** Lists again after a write, and leaves the focus where it is. */
async function refresh() {
  await Promise.all([listCollections(), listKeys()]);
}
