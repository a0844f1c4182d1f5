
// What the controls do, and the two views.

function showView() {
  const view = { "#documents": "documents", "#status": "status", "": "status" }[location.hash];
  // The skip link goes elsewhere.
  if (!view) return;
  for (const name of ["status", "documents"]) {
    at(name).hidden = name !== view;
    if (name === view) at(`to-${name}`).setAttribute("aria-current", "page");
    else at(`to-${name}`).removeAttribute("aria-current");
  }
  if (view === "documents" && !at("collections").children.length) act(refresh)();
}

async function useToken(text) {
  token = text;
  looks.isRefused = false;
  at("token-dialog").close();
  at("collections").replaceChildren();
  showView();
  tell(text ? "The token is used from now on" : "The token is forgotten");
  await look();
}

for (const list of ["collections", "keys"]) walk(at(list));
addEventListener("hashchange", () => {
  hush();
  showView();
});
addEventListener("beforeunload", (event) => {
  if (isChanged()) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !looks.isPaused) look();
});

at("token-open").addEventListener("click", () => askForToken(""));
at("token-cancel").addEventListener("click", () => at("token-dialog").close());
at("token-forget").addEventListener("click", act(() => useToken("")));
at("token-form").addEventListener("submit", act(() => useToken(at("token").value.trim())));
at("token-dialog").addEventListener("close", () => {
  at("token").value = "";
});
at("question-yes").addEventListener("click", () => at("question").close("yes"));
at("question-no").addEventListener("click", () => at("question").close(""));

at("pause").addEventListener("click", (event) => {
  looks.isPaused = !looks.isPaused;
  event.currentTarget.setAttribute("aria-pressed", String(looks.isPaused));
  clearTimeout(looks.timer);
  if (!looks.isPaused) look();
});

at("collections-again").addEventListener("click", act(refresh));
at("visit").addEventListener("submit", act(async () => {
  await visit(at("name").value === "" ? null : at("name").value);
  select(at("collections"), null);
}));
at("search").addEventListener("submit", act(async () => {
  Object.assign(place, { prefix: at("prefix").value, cursors: [] });
  await listKeys();
}));
at("keys-behind").addEventListener("click", act(async () => {
  place.cursors.push(place.next);
  await listKeys();
}));
at("keys-before").addEventListener("click", act(async () => {
  place.cursors.pop();
  await listKeys();
}));
at("create").addEventListener("click", act(create));

at("charts").replaceChildren(...CHARTS.map(({ element }) => element));
setInterval(showExpiry, 1_000);
showView();
look();
