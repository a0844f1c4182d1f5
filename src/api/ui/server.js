
// Asking the server. The token is in this one variable: not in the address, not in what the browser keeps.

const ANSWER_MS_MAX = 30_000;

let token = "";

/** An answer that is no success. */
class Problem extends Error {
  constructor(status, told) {
    super(told.detail ?? "");
    Object.assign(this, { status, title: told.title, hint: told.hint, code: told.code, offset: told.offset });
  }
}

/** A question that was begun, and whose answer nobody wants any more. */
class Unasked extends Error {}

/** Asks, and gives the answer with its body as text, to the character; a body of more than `bytesMax` is left out. */
async function ask(method, path, { query = {}, headers = {}, body, bytesMax = Infinity } = {}) {
  const target = Object.keys(query).length ? `${path}?${new URLSearchParams(query)}` : path;
  if (token) headers = { ...headers, Authorization: `Bearer ${token}` };
  let response, text, length;
  try {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const options = { method, headers, body, signal, cache: "no-store", credentials: "omit", redirect: "error" };
    response = await fetch(target, options);
    length = Number(response.headers.get("Content-Length") ?? 0);
    if (response.ok && length > bytesMax) {
      await response.body.cancel();
      return { status: response.status, headers: response.headers, length };
    }
    const received = await response.arrayBuffer();
    length = received.byteLength;
    text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(received);
  } catch (error) {
    const title = error.name === "TimeoutError" ? "The server has not answered" : "The server cannot be reached";
    const hint = method === "GET" ? "is it running?" : "it may have done what was asked: look before trying again";
    throw new Problem(0, { title, detail: error.message, hint });
  }
  if (!response.ok) {
    const problem = new Problem(response.status, described(response, text));
    if (problem.status === 401) askForToken(problem.message);
    throw problem;
  }
  return { status: response.status, headers: response.headers, text, length };
}

/** What an answer says is wrong; a proxy may have written it. */
function described(response, text) {
  const untold = { title: `${response.status} ${response.statusText}`, detail: text.slice(0, 500) };
  if (!response.headers.get("Content-Type")?.startsWith("application/problem+json")) return untold;
  try {
    return JSON.parse(text);
  } catch {
    return untold;
  }
}

/** Where the documents of a collection are; `null` is the main store. */
function base(collection) {
  if (collection === null) return "/v1/docs";
  // A browser takes these out of a path before it is sent, however they are spelled.
  if (collection === "." || collection === "..") {
    const title = `A browser cannot ask for a collection called ${collection}`;
    throw new Problem(0, { title, hint: "curl --path-as-is can" });
  }
  return `/v1/collections/${encodeURIComponent(collection)}/docs`;
}

const called = (collection) => collection ?? "Main store";

function askForToken(refusal) {
  const dialog = at("token-dialog");
  if (dialog.open) return;
  at("token-refused").textContent = refusal;
  at("token").value = "";
  dialog.showModal();
}
