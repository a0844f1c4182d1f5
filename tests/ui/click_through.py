"""The page at /ui as somebody uses it, in the order of the functions whose names begin with `it_`.

Usage: click_through.py URL SCRATCH. In the folder SCRATCH the first lines of `writer` and `reader` are tokens: one that
may write everywhere, one that may read documents whose keys begin with `user:`. Each function is a fact, and goes on where the one before has ended. What the
page shows is held against what the server says when it is asked without the page.
"""

import os
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request

from webdriver import CONTROL, DELETE, DOWN, END, ENTER, ESCAPE, LEFT, TAB, Browser, Failed

HERE = pathlib.Path(__file__).parent
HOSTILE = '<img src=x onerror="window.hacked=1">'
# No double holds these: whatever reads them as numbers writes others.
DIGITS = '{"big": 12345678901234567890123, "small": 1.10, "tiny": 1e-400}'
# Line ends that a text area would change.
CRLF, CRLF_LONGER = '{\r\n\t"a": 1\r\n}', '{\r\n\t"a": 1\r\n\r\n}'


class Server:
    """The server, asked without the page."""

    def __init__(self, url, token, lesser):
        self.url, self.token, self.lesser = url, token, lesser

    def ask(self, method, path, body=None, **fields):
        headers = {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in fields.items()}}
        data = body if body is None else body.encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers, method=method)) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def put(self, key, body, query="", collection=None):
        base = "/v1/docs" if collection is None else f"/v1/collections/{collection}/docs"
        status, headers, text = self.ask("PUT", f"{base}?key={urllib.parse.quote(key)}{query}", body)
        assert status in (200, 201), text
        return headers["ETag"]

    def get(self, key, collection=None):
        base = "/v1/docs" if collection is None else f"/v1/collections/{collection}/docs"
        return self.ask("GET", f"{base}?key={urllib.parse.quote(key)}")

    def text(self, key):
        status, _, text = self.get(key)
        return text if status == 200 else None


def check(holds, otherwise):
    if not holds:
        raise Failed(otherwise)


def same(found, expected, what):
    check(found == expected, f"{what}: expected {expected!r}, found {found!r}")


def focused(browser):
    """What a person would call the thing that has the focus."""
    return browser.run("const at = document.activeElement; return at.id || at.textContent || at.tagName")


def write(browser, selector, text):
    """Puts `text` into a field in place of what is there, by keys."""
    browser.click(selector)
    browser.keys((CONTROL, "a"), DELETE, *text)


def open_document(browser, key):
    browser.click("#keys .name", key)
    browser.says("#document-title", key)
    browser.until("document.querySelector('#document pre')", "no document is shown")


def list_prefix(browser, prefix):
    write(browser, "#prefix", prefix)
    browser.keys(ENTER)


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
    kept = browser.run("""return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href,
        history.state, document.documentElement.outerHTML, document.querySelector("#token").value])""")
    check(server.token not in kept, f"the token is in {kept[:200]}")
    same(browser.run("return [localStorage.length, sessionStorage.length, document.cookie]"), [0, 0, ""], "what is kept")
    browser.command("POST", "/refresh")
    browser.until("document.querySelector('#token-dialog').open", "it asks for no token when it is loaded again")
    browser.type(server.token)
    browser.keys(ENTER)
    browser.until("document.querySelectorAll('#tiles dd').length > 4", "no figures are shown")


def it_draws_what_the_server_counts(browser, server):
    for number in range(200):
        server.put(f"user:{number:03}", f'{{"number": {number}}}')
    figure = "[...document.querySelectorAll('figure')].find((it) => it.querySelector('figcaption').textContent === '{}')"
    shown = lambda title: browser.run(f"return {figure.format(title)}.querySelector('svg').getAttribute('aria-label')")
    browser.until(lambda: shown("Documents") == "Documents: documents 200", "the chart of documents does not follow")
    path = f"return {figure.format('Documents')}.querySelector('.line').getAttribute('d')"
    check(browser.run(path).startswith("M"), "no line is drawn")
    browser.until(lambda: "resident " in shown("Memory"), "no memory is drawn")
    browser.until(lambda: "GET /metrics" in shown("Requests by route"), "no route is drawn")
    browser.until(lambda: "p50 " in shown("Time to answer") and "none" not in shown("Time to answer"), "no latency is drawn")
    browser.until(lambda: "connections " in shown("Connections"), "no connections are drawn")
    browser.click("#pause")
    same(browser.run("return document.querySelector('#pause').ariaPressed"), "true", "the pause")
    browser.click("#pause")


def it_lists_by_prefix_page_by_page(browser, server):
    server.put("a", "1", collection="orders")
    browser.click("#to-documents")
    browser.until("document.querySelectorAll('#collections li').length === 2", "no collections are listed")
    same(browser.text("#collections"), "Main store200orders1", "the collections")
    list_prefix(browser, "user:1")
    browser.until("document.querySelectorAll('#keys li').length === 50", "no page is listed")
    same(browser.text("#keys li .name"), "user:100", "the first key")
    browser.click("#keys-behind")
    browser.until("document.querySelector('#keys .name').textContent === 'user:150'", "there is no second page")
    check(browser.run("return document.querySelector('#keys-behind').disabled"), "there is a third page")
    browser.click("#keys-before")
    browser.until("document.querySelector('#keys .name').textContent === 'user:100'", "there is no way back")
    browser.click("#collections .name", "orders")
    browser.says("#keys-note", "No keys here.")
    list_prefix(browser, "")
    browser.until("document.querySelector('#keys .name').textContent === 'a'", "the collection is not listed")
    browser.click("#collections .name", "Main store")
    browser.until("document.querySelector('#keys .name').textContent === 'user:000'", "the main store is not listed")


def it_never_reads_data_as_markup(browser, server):
    server.put(HOSTILE, f'"<script>window.hacked=2</script>{HOSTILE.replace(chr(34), "")}"')
    server.put("<b>", "1", collection="x")
    server.ask("POST", "/set", '{"key": "' + HOSTILE.replace('"', "'") + '", "value": 1}')
    server.ask("POST", f"/collections/{urllib.parse.quote(HOSTILE, safe='')}")
    browser.click("#collections-again")
    list_prefix(browser, "<")
    open_document(browser, HOSTILE)
    check("<script>" in browser.text("#document pre"), "the document is not shown as it is")
    browser.says("#collections", HOSTILE)
    browser.click("#collections .name", HOSTILE)
    browser.says("#keys-note", "No keys here.")
    server.ask("DELETE", f"/v1/collections/{urllib.parse.quote(HOSTILE, safe='')}")
    browser.click("#collections-again")
    browser.says("#complaint", "<img src=x onerror=")
    same(browser.run("return [window.hacked ?? null, document.querySelectorAll('img, b:not(.legend b), body script ~ script').length]"),
         [None, 0], "what came of it")
    # Were the page to try, the browser would refuse.
    refused = "try { document.body.innerHTML = '<b>'; return false } catch (error) { return error instanceof TypeError }"
    check(browser.run(refused), "markup can be made of text")
    browser.click("#complaint button", "Dismiss")
    browser.click("#collections .name", "Main store")


def it_changes_no_digit_that_was_not_edited(browser, server):
    server.put("digits", DIGITS)
    list_prefix(browser, "digits")
    open_document(browser, "digits")
    check("12345678901234567890123" in browser.text("#document pre"), "the indented number is another")
    browser.click("button", "Raw")
    browser.until(lambda: browser.text("#document pre") == DIGITS, "raw is not what is stored")
    browser.click("#edit")
    browser.keys((CONTROL, END), LEFT, ",", *'"more": 9007199254740993')
    browser.keys((CONTROL, "s"))
    browser.says("#told", "digits is stored as version")
    same(server.text("digits"), DIGITS[:-1] + ',"more": 9007199254740993}', "what is stored")
    same(focused(browser), "edit", "the focus behind it")


def it_keeps_line_ends(browser, server):
    server.put("crlf", CRLF)
    list_prefix(browser, "crlf")
    open_document(browser, "crlf")
    same(browser.text("#document pre"), CRLF, "what is shown")
    browser.click("#edit")
    browser.click("button", "Save")
    browser.says("#told", "Nothing was changed")
    browser.click("#edit")
    browser.keys((CONTROL, END), LEFT, ENTER)
    browser.click("button", "Save")
    browser.says("#told", "crlf is stored")
    same(server.text("crlf"), CRLF_LONGER, "what is stored")


def it_says_where_a_text_is_no_json(browser, server):
    browser.click("#edit")
    write(browser, "#text", '{"ä": [1,]}')
    browser.click("button", "Save")
    browser.says("#complaint", "The body is not JSON")
    browser.says("#complaint", "400 json_invalid")
    same(browser.run("const area = document.querySelector('#text'); return area.value.slice(area.selectionStart)"), "]}",
         "behind the caret")
    browser.click("button", "Cancel")
    browser.until("document.querySelector('#question').open", "it leaves without a question")
    browser.click("#question-no")
    same(browser.value("#text"), '{"ä": [1,]}', "what is edited")
    browser.click("button", "Cancel")
    browser.click("#question-yes")
    browser.until("!document.querySelector('#text')", "it does not leave")
    same(server.text("crlf"), CRLF_LONGER, "what is stored")


def it_shows_both_versions_where_somebody_was_faster(browser, server):
    server.put("both", '{"by": "nobody"}', "&ttl=1h")
    list_prefix(browser, "both")
    open_document(browser, "both")
    browser.click("#edit")
    write(browser, "#text", '{"by": "me"}')
    server.put("both", '{"by": "them"}', "&ttl=2h")
    browser.click("button", "Save")
    browser.until("document.querySelector('#compared')", "the versions are not shown")
    same(browser.run("return [...document.querySelectorAll('#compared pre')].map((it) => it.textContent)"),
         ['{"by": "them"}', '{"by": "me"}'], "the versions")
    browser.click("button", "Go on editing mine")
    same(browser.value("#text"), '{"by": "me"}', "what is edited")
    browser.click("button", "Save")
    # Faster once more, while the question is asked.
    browser.until("document.querySelector('#compared')", "the versions are not shown again")
    server.put("both", '{"by": "them again"}', "&ttl=2h")
    browser.click("button", "Replace it with mine")
    browser.until(lambda: "them again" in browser.text("#compared"), "the newest version is not shown")
    same(server.text("both"), '{"by": "them again"}', "what is stored before the decision")
    browser.click("button", "Replace it with mine")
    browser.says("#told", "both is stored")
    status, headers, text = server.get("both")
    same((status, text), (200, '{"by": "me"}'), "what is stored")
    check(float(headers["MT-TTL"] or 0) > 7000, "the time to live is not kept")
    browser.click("#edit")
    write(browser, "#text", "7")
    server.ask("DELETE", "/v1/docs/both")
    browser.click("button", "Save")
    browser.says("#compared", "Deleted meanwhile")
    browser.click("button", "Store mine again")
    browser.says("#told", "both is stored")
    same(server.text("both"), "7", "what is stored")


def it_creates_and_never_replaces(browser, server):
    browser.click("#create")
    same(focused(browser), "new-key", "the focus")
    write(browser, "#new-key", "digits")
    write(browser, "#text", "[]")
    browser.click("button", "Save")
    browser.says("#complaint", "There is a document with this key already")
    check(server.text("digits").startswith('{"big"'), "it was replaced")
    write(browser, "#new-key", "a/../b c?d=%2F&+#")
    write(browser, "#new-ttl", "1h")
    browser.click("button", "Save")
    browser.says("#told", "is stored as version")
    browser.says("#expires", "in 59 min")
    status, headers, text = server.get("a/../b c?d=%2F&+#")
    same((status, text), (200, "[]"), "what is stored")
    check(3500 < float(headers["MT-TTL"] or 0) <= 3600, "its time to live is another")
    browser.click("#create")
    write(browser, "#new-key", "x")
    write(browser, "#new-collection", "made-here")
    browser.click("button", "Save")
    browser.says("#collections", "made-here")
    same(server.get("x", "made-here")[2], "{}", "what is stored")


def it_changes_the_time_to_live(browser, server):
    list_prefix(browser, "digits")
    open_document(browser, "digits")
    tag = server.get("digits")[1]["ETag"]
    same(browser.text("#expires"), "never", "the time to live")
    write(browser, "#ttl", "90s")
    browser.keys(ENTER)
    browser.says("#expires", "in 1 min")
    headers = server.get("digits")[1]
    check(0 < float(headers["MT-TTL"] or 0) <= 90 and headers["ETag"] == tag, "not the deadline alone was changed")
    write(browser, "#ttl", "soon")
    browser.keys(ENTER)
    browser.says("#complaint", "Hint: ")
    browser.click("button", "Never expires")
    browser.says("#expires", "never")
    same(server.get("digits")[1]["MT-TTL"], None, "the time to live")


def it_deletes_what_was_seen_and_nothing_else(browser, server):
    server.put("digits", "8")
    browser.click("#document button", "Delete")
    browser.says("#question-text", "digits, version")
    browser.keys(ESCAPE)
    browser.until("!document.querySelector('#question').open", "Escape does not close it")
    same(server.text("digits"), "8", "what is stored")
    browser.click("#document button", "Delete")
    browser.click("#question-yes")
    browser.says("#complaint", "412 condition_failed")
    browser.until(lambda: browser.text("#document pre") == "8", "what there is now is not shown")
    browser.click("#document button", "Delete")
    browser.click("#question-yes")
    browser.says("#told", "digits was deleted")
    same(server.text("digits"), None, "what is stored")


def use_token(browser, token):
    browser.click("#token-open")
    browser.type(token)
    browser.keys(ENTER)
    browser.says("#told", "The token is used from now on")


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


def it_shows_a_large_document_only_when_it_is_told_to(browser, server):
    server.put("user:large", '"' + "x" * (2 << 20) + '"')
    list_prefix(browser, "user:large")
    browser.click("#keys .name", "user:large")
    browser.says("#document-body", "It has 2.00 MiB")
    check(browser.run("return !document.querySelector('#document pre') && document.querySelector('#edit').disabled"),
          "it is shown, or can be edited unseen")
    browser.click("button", "Show it all the same")
    browser.until("document.querySelector('#document pre')?.textContent.length > 2 ** 21", "it is not shown")


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
    for _ in range(17):
        browser.keys(TAB)
        found.append(focused(browser))
        check(not browser.run(unseen), f"nobody sees that {found[-1]} has the focus")
    same([name.split("version")[0] for name in found], [
        "Skip to the content", "to-status", "to-documents", "token-open", "collections-again",
        *[name.split("version")[0] for name in found[5:6]], "name", "Open", "create", "prefix", "List",
        *[name.split("version")[0] for name in found[11:12]], "keys-behind",
        *[name.split("version")[0] for name in found[13:]]], "the way of the focus")
    check(found[5].startswith("Main store"), f"{found[5]} is no collection")
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
    named = """return [...document.querySelectorAll('button, input, textarea, [role], dialog, section, nav, pre')].filter((it) =>
        it.checkVisibility() && !(it.ariaLabel || it.getAttribute('aria-labelledby') || it.textContent.trim() ||
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
                browser.protocol("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
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
MEANT = ["status of 401", "status of 403", "status of 400", "status of 404", "status of 412", "ERR_INTERNET_DISCONNECTED", "TrustedHTML"]


def main():
    url, scratch = sys.argv[1:]
    server = Server(url, *((pathlib.Path(scratch) / name).read_text().split("\n")[0] for name in ["writer", "reader"]))
    browser = Browser(f"{scratch}/profile")
    try:
        for name, fact in list(globals().items()):
            if name.startswith("it_"):
                fact(browser, server)
                unmeant = [line for line in browser.complaints() if not any(meant in line for meant in MEANT)]
                same(unmeant, [], "what the console says")
                print(f"ok    {name.replace('_', ' ')}", flush=True)
    except Exception as error:
        if pictures := os.environ.get("PICTURES"):
            browser.picture(f"{pictures}/failed.png")
        print(f"FAILED {name.replace('_', ' ')}: {error!r}")
        print("repeat with: make test-ui; PICTURES=FOLDER leaves a picture of the page as it is now")
        sys.exit(1)
    finally:
        browser.close()


main()
