"""What somebody does with documents in the page at /ui: facts for click_through.py, in this order."""

import urllib.parse

from page import HOSTILE, check, focused, list_prefix, open_document, same, write
from webdriver import CONTROL, END, ENTER, ESCAPE, LEFT

# No double holds these: whatever reads them as numbers writes others.
DIGITS = '{"big": 12345678901234567890123, "small": 1.10, "tiny": 1e-400}'
# Line ends that a text area would change.
CRLF, CRLF_LONGER = '{\r\n\t"a": 1\r\n}', '{\r\n\t"a": 1\r\n\r\n}'


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
    markup = "document.querySelectorAll('img, b:not(.legend b), body script ~ script').length"
    same(browser.run(f"return [window.hacked ?? null, {markup}]"), [None, 0], "what came of it")
    # Were the page to try, the browser would refuse.
    made = "try { document.body.innerHTML = '<b>'; return true } catch (error) { return !(error instanceof TypeError) }"
    check(not browser.run(made), "markup can be made of text")
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
    behind = "const area = document.querySelector('#text'); return area.value.slice(area.selectionStart)"
    same(browser.run(behind), "]}", "behind the caret")
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


def it_shows_a_large_document_only_when_it_is_told_to(browser, server):
    server.put("user:large", '"' + "x" * (2 << 20) + '"')
    list_prefix(browser, "user:large")
    browser.click("#keys .name", "user:large")
    browser.says("#document-body", "It has 2.00 MiB")
    check(browser.run("return !document.querySelector('#document pre') && document.querySelector('#edit').disabled"),
          "it is shown, or can be edited unseen")
    browser.click("button", "Show it all the same")
    browser.until("document.querySelector('#document pre')?.textContent.length > 2 ** 21", "it is not shown")


FACTS = [
    it_lists_by_prefix_page_by_page,
    it_never_reads_data_as_markup,
    it_changes_no_digit_that_was_not_edited,
    it_keeps_line_ends,
    it_says_where_a_text_is_no_json,
    it_shows_both_versions_where_somebody_was_faster,
    it_creates_and_never_replaces,
    it_changes_the_time_to_live,
    it_deletes_what_was_seen_and_nothing_else,
    it_shows_a_large_document_only_when_it_is_told_to,
]
