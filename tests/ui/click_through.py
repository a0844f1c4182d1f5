"""The page at /ui as somebody uses it: the facts in `FACTS`, in their order.

Usage: click_through.py URL SCRATCH. In the folder SCRATCH the first lines of `writer` and `reader` are tokens: one that
may write everywhere, one that may read documents whose keys begin with `user:`. Each function is a fact, and goes on
where the one before has ended. What the page shows is held against what the server says when it is asked without it.
"""

import os
import pathlib
import sys

import documents
from page import HOSTILE, Server, check, focused, list_prefix, open_document, same, use_token
from webdriver import CONTROL, DOWN, ENTER, ESCAPE, TAB, Browser

HERE = pathlib.Path(__file__).parent


def it_asks_for_a_token_and_refuses_another(browser, server):
    browser.visit(f"{server.url}/ui")
    browser.until("document.querySelector('#token-dialog').open", "it asks for no token")
    same(focused(browser), "token", "the focus")
    browser.type("mt_wrong")
    browser.keys(ENTER)
    browser.says("#status-note", "token")
    browser.until("document.querySelector('#token-dialog').open", "it does not ask again")
    browser.says("#token-refused", "token")
    browser.keys(ESCAPE)
    browser.until("!document.querySelector('#token-dialog').open", "Escape does not close it")
    browser.click("#token-open")
    browser.type(server.token)
    browser.keys(ENTER)
    browser.until("document.querySelectorAll('#tiles dd').length > 4", "no figures are shown")
    browser.says("#health", "ready")


def it_keeps_the_token_nowhere(browser, server):
    kept = browser.run("""return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie,
        location.href, history.state, document.documentElement.outerHTML, document.querySelector("#token").value])""")
    check(server.token not in kept, f"the token is in {kept[:200]}")
    lengths = browser.run("return [localStorage.length, sessionStorage.length, document.cookie.length]")
    same(lengths, [0, 0, 0], "what is kept")
    browser.command("POST", "/refresh")
    browser.until("document.querySelector('#token-dialog').open", "it asks for no token when it is loaded again")
    browser.type(server.token)
    browser.keys(ENTER)
    browser.until("document.querySelectorAll('#tiles dd').length > 4", "no figures are shown")


def it_draws_what_the_server_counts(browser, server):
    for number in range(200):
        server.put(f"user:{number:03}", f'{{"number": {number}}}')
    titled = "it.querySelector('figcaption').textContent === '{}'"
    figure = f"[...document.querySelectorAll('figure')].find((it) => {titled})"
    shown = lambda title: browser.run(f"return {figure.format(title)}.querySelector('svg').getAttribute('aria-label')")
    browser.until(lambda: shown("Documents") == "Documents: documents 200", "the chart of documents does not follow")
    path = f"return {figure.format('Documents')}.querySelector('.line').getAttribute('d')"
    check(browser.run(path).startswith("M"), "no line is drawn")
    browser.until(lambda: "resident " in shown("Memory"), "no memory is drawn")
    browser.until(lambda: "GET /metrics" in shown("Requests by route"), "no route is drawn")
    browser.until(lambda: "p50 " in shown("Time to answer"), "no latency is drawn")
    browser.until(lambda: "connections " in shown("Connections"), "no connections are drawn")
    browser.click("#pause")
    same(browser.run("return document.querySelector('#pause').ariaPressed"), "true", "the pause")
    browser.click("#pause")


def it_shows_whoever_reaches_less_what_they_reach(browser, server):
    browser.click("#to-status")
    use_token(browser, server.lesser)
    browser.says("#status-note", "reach")
    browser.click("#to-documents")
    list_prefix(browser, "")
    browser.says("#complaint", "403 out_of_reach")
    list_prefix(browser, "user:")
    browser.until("document.querySelector('#keys .name')?.textContent === 'user:000'", "it is not listed")
    open_document(browser, "user:000")
    browser.click("button", "Never expires")
    browser.says("#complaint", "403 role_lacking")
    use_token(browser, server.token)
    browser.says("#collections", "orders")


def it_can_be_used_without_a_mouse(browser, server):
    browser.visit("about:blank")
    browser.visit(f"{server.url}/ui#documents")
    browser.until("document.querySelector('#token-dialog').open", "it asks for no token")
    browser.type(server.token)
    browser.keys(ENTER)
    browser.until("document.querySelectorAll('#keys li').length > 4", "no keys are listed")
    # From the beginning, as after a click on nothing.
    browser.run("document.activeElement.blur(); getSelection().collapse(document.body, 0)")
    found = []
    unseen = """const at = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(at);
        return at !== document.body && (outlineStyle === 'none' || parseFloat(outlineWidth) < 2)"""
    way = ["Skip to the content", "to-status", "to-documents", "token-open", "collections-again", "Main store", "name",
           "Open", "create", "prefix", "List", HOSTILE, "keys-behind"]
    for _ in way:
        browser.keys(TAB)
        found.append(focused(browser))
        check(not browser.run(unseen), f"nobody sees that {found[-1]} has the focus")
    same(found, way, "the way of the focus")
    browser.run("document.querySelector('#prefix').focus()")
    browser.type("user:")
    browser.keys(ENTER)
    browser.until("document.querySelector('#keys .name').textContent === 'user:000'", "it is not listed")
    browser.keys(TAB, TAB, DOWN, DOWN)
    check(focused(browser).startswith("user:002"), "the arrow keys do not move")
    browser.keys(ENTER)
    browser.until("document.activeElement.id === 'document-title'", "the document does not get the focus")
    same(browser.text("#document-title"), "user:002", "the document")
    for _ in range(10):
        browser.keys(TAB)
        if focused(browser) == "edit":
            break
    browser.keys(ENTER)
    same(focused(browser), "text", "the focus")
    browser.keys((CONTROL, "a"), *"[true]", (CONTROL, "s"))
    browser.says("#told", "user:002 is stored")
    same(server.text("user:002"), "[true]", "what is stored")
    named = """const those = document.querySelectorAll('button, input, textarea, [role], dialog, section, nav, pre');
        return [...those].filter((it) => it.checkVisibility() && !(
        it.ariaLabel || it.getAttribute('aria-labelledby') || it.textContent.trim() ||
        it.labels?.length || ['alert', 'status'].includes(it.role))).map((it) => it.outerHTML)"""
    same(browser.run(named), [], "what has no name")


def it_can_be_read_in_light_and_dark_wide_and_narrow(browser, server):
    pictures = os.environ.get("PICTURES")
    contrast = (HERE / "contrast.js").read_text()
    browser.until("document.querySelector('figure .line')", "nothing is drawn")
    for view in ["status", "documents"]:
        browser.click(f"#to-{view}")
        for mode in ["light", "dark"]:
            browser.protocol("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": mode}])
            for width in [1280, 360]:
                size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
                browser.protocol("Emulation.setDeviceMetricsOverride", **size)
                where = f"{view} in {mode}, {width} pixels"
                same(browser.run(contrast), [], f"texts with too little contrast, {where}")
                taken = browser.run("return document.scrollingElement.scrollWidth")
                check(taken <= width, f"{where}: it takes {taken}")
                if pictures:
                    browser.picture(f"{pictures}/{view}-{mode}-{width}.png")
    ground = "return getComputedStyle(document.body).backgroundColor"
    check(browser.run(ground) != "rgb(255, 255, 255)", "dark is light")


def it_says_that_the_server_is_gone_and_goes_on_when_it_is_back(browser, server):
    browser.click("#to-status")
    browser.protocol("Network.enable")
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.protocol("Network.emulateNetworkConditions", **offline)
    browser.says("#health", "unreachable")
    browser.protocol("Network.emulateNetworkConditions", **{**offline, "offline": False})
    browser.says("#health", "ready")
    browser.until(lambda: browser.text("#status-note") == "", "the complaint stays")


# What is refused on purpose appears in the console as a response that failed; a broken policy or script does not.
MEANT = [*(f"status of {status}" for status in [400, 401, 403, 404, 412]), "ERR_INTERNET_DISCONNECTED", "TrustedHTML"]

FACTS = [
    it_asks_for_a_token_and_refuses_another,
    it_keeps_the_token_nowhere,
    it_draws_what_the_server_counts,
    *documents.FACTS,
    it_shows_whoever_reaches_less_what_they_reach,
    it_can_be_used_without_a_mouse,
    it_can_be_read_in_light_and_dark_wide_and_narrow,
    it_says_that_the_server_is_gone_and_goes_on_when_it_is_back,
]


def main():
    url, scratch = sys.argv[1:]
    server = Server(url, *((pathlib.Path(scratch) / name).read_text().split("\n")[0] for name in ["writer", "reader"]))
    browser = Browser(f"{scratch}/profile")
    try:
        for fact in FACTS:
            name = fact.__name__.replace("_", " ")
            fact(browser, server)
            unmeant = [line for line in browser.complaints() if not any(meant in line for meant in MEANT)]
            same(unmeant, [], "what the console says")
            print(f"ok    {name}", flush=True)
    except Exception as error:
        if pictures := os.environ.get("PICTURES"):
            browser.picture(f"{pictures}/failed.png")
        print(f"FAILED {name}: {error!r}")
        print("repeat with: make test-ui; PICTURES=FOLDER leaves a picture of the page as it is now")
        sys.exit(1)
    finally:
        browser.close()


main()
