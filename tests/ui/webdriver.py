"""A browser, driven over WebDriver (https://www.w3.org/TR/webdriver2/) with nothing but the standard library."""

import base64
import json
import re
import subprocess
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
WAIT_SECONDS = 20
# Keys that are no characters (WebDriver, 17.4.2).
TAB, ENTER, ESCAPE, DELETE, CONTROL = "\ue004", "\ue007", "\ue00c", "\ue017", "\ue009"
LEFT, DOWN, END = "\ue012", "\ue015", "\ue010"

# Nothing but the server under test is reached, whatever the browser would look for by itself.
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


class Failed(Exception):
    """A command that the driver has refused, or a fact that does not hold."""


class Browser:
    """One headless Chromium with a profile of its own, which is gone at the end."""

    def __init__(self, profile, driver="chromedriver"):
        self.driver = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, text=True)
        self.session = None
        for line in self.driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                self.root = f"http://127.0.0.1:{found[1]}"
                break
        else:
            raise Failed("chromedriver does not start")
        options = {"args": [*ARGUMENTS, f"--user-data-dir={profile}"]}
        wanted = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "unhandledPromptBehavior": "accept",
        }
        try:
            self.session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        except Failed:
            self.close()
            raise

    def close(self):
        try:
            if self.session:
                self.ask("DELETE", f"/session/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait()

    def ask(self, method, path, body=None):
        data = None if method == "GET" or method == "DELETE" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Failed(json.load(error)["value"]["message"].splitlines()[0]) from None

    def command(self, method, path, body=None):
        return self.ask(method, f"/session/{self.session}{path}", body)

    def visit(self, url):
        self.command("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """The value of a script, of which `return` is a part."""
        return self.command("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def protocol(self, name, **parameters):
        """A command of the DevTools protocol."""
        return self.command("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def keys(self, *keys):
        """Presses keys one after the other, wherever the focus is; a tuple is pressed together."""
        actions = []
        for key in keys:
            together = key if isinstance(key, tuple) else (key,)
            actions += [{"type": "keyDown", "value": value} for value in together]
            actions += [{"type": "keyUp", "value": value} for value in reversed(together)]
        self.command("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def type(self, text):
        self.keys(*text)

    def find(self, selector):
        return self.command("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector, text=None):
        """Clicks what a person sees: the first element of that selector, or the one with that text."""

        def clicked():
            element = self.run(FIND, selector, text)
            # It may be gone by now, and another in its place: then again.
            return element and self.command("POST", f"/element/{element[ELEMENT]}/click") is None

        self.until(clicked, f"{selector} {text or ''} cannot be clicked")

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def value(self, selector):
        return self.run("return document.querySelector(arguments[0])?.value", selector)

    def until(self, fact, otherwise):
        """Waits for what a script or a function tells to be true, and gives it."""
        ask = fact if callable(fact) else lambda: self.run(f"return {fact}")
        end = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                if found := ask():
                    return found
                cause = ""
            except Failed as error:
                cause = f" ({error})"
            if time.monotonic() > end:
                raise Failed(f"{otherwise}{cause}")
            time.sleep(0.05)

    def says(self, selector, text):
        self.until(lambda: text in self.text(selector), f"{selector} does not say {text!r}")

    def complaints(self):
        """What the browser has written into its console since the last time."""
        return [entry["message"] for entry in self.command("POST", "/se/log", {"type": "browser"})]

    def picture(self, file):
        """The whole page as an image."""
        size = self.protocol("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        image = self.protocol("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]
        with open(file, "wb") as out:
            out.write(base64.b64decode(image))


FIND = """
const [selector, text] = arguments;
return [...document.querySelectorAll(selector)].find((element) =>
  element.checkVisibility() && (text === null || element.textContent === text)) ?? null;
"""
