"""The page at /ui and the server behind it, as the facts of click_through.py use them."""

import urllib.error
import urllib.parse
import urllib.request

from webdriver import CONTROL, DELETE, ENTER, Failed

# A key that is markup.
HOSTILE = '<img src=x onerror="window.hacked=1">'


class Server:
    """The server, asked without the page."""

    def __init__(self, url, token, lesser):
        self.url, self.token, self.lesser = url, token, lesser

    def ask(self, method, path, body=None):
        """The status, the fields and the text of an answer."""
        headers = {"Authorization": f"Bearer {self.token}"}
        data = body if body is None else body.encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
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
    called = "at.id || (at.querySelector('.name') ?? at).textContent || at.tagName"
    return browser.run(f"const at = document.activeElement; return {called}")


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


def use_token(browser, token):
    browser.click("#token-open")
    browser.type(token)
    browser.keys(ENTER)
    browser.says("#told", "The token is used from now on")
