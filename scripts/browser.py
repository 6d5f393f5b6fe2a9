"""Chains of several kinds, their pages, and what a browser makes of them. See scripts/browser.

The browser is spoken to over a pipe in the DevTools protocol; nothing but Python is needed for it.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

KEYS = pathlib.Path("tests/data").resolve()
SWITCHES = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars
--disable-background-networking --disable-component-update --disable-sync --disable-extensions
--no-default-browser-check --disable-default-apps --remote-debugging-pipe""".split()
PATIENCE = 120  # seconds; only a hang waits so long


def check(what, holds, found=None):
    if not holds:
        sys.exit(f"browser: FAILED: {what}" + ("" if found is None else f": {found!r}"))
    print(f"  {what}")


# --- chains ---------------------------------------------------------------


class Chain:
    """A layout and links, signed by the keys that are for tests only."""

    def __init__(self, tool, folder):
        self.tool, self.folder = tool, folder
        folder.mkdir(parents=True)
        self.steps, self.keys = [], {}

    def run(self, *words, statuses=(0,)):
        done = subprocess.run([self.tool, *words], cwd=self.folder, capture_output=True, check=False)
        if done.returncode not in statuses:
            sys.exit(f"browser: FAILED: {words}: {done.returncode} {done.stderr.decode()}")
        return done.stdout.decode()

    def key(self, name):
        if name not in self.keys:
            self.keys[name] = json.loads(self.run("key", "show", "--json", str(KEYS / f"test-only-{name}.pem.pub")))
        return self.keys[name]

    def write(self, name, payload, *signers):
        (self.folder / name).write_text(json.dumps({"signed": payload, "signatures": []}, indent=1))
        keys = [word for signer in signers for word in ("-k", str(KEYS / f"test-only-{signer}.pem"))]
        self.run("sign", name, *keys)

    def step(self, name, signer, materials, products, rules, command=(), threshold=1, absent=False):
        signers = signer if isinstance(signer, list) else [signer]
        for who in signers:
            keyid = self.key(who)["keyid"]
            if not absent:
                link = {"_type": "link", "name": name, "materials": materials, "products": products,
                        "command": list(command), "byproducts": {}, "environment": {}}
                self.write(f"{name}.{keyid[:8]}.link", link, who)
        self.steps.append({"_type": "step", "name": name, "expected_command": [], "threshold": threshold,
                           "pubkeys": [self.key(who)["keyid"] for who in signers],
                           "expected_materials": rules[0], "expected_products": rules[1]})

    def report(self, status, *arguments):
        names = {name for step in self.steps for name in step["pubkeys"]}
        keys = {key["keyid"]: key for key in self.keys.values() if key["keyid"] in names}
        layout = {"_type": "layout", "expires": "2060-12-31T23:59:59Z", "readme": "", "keys": keys,
                  "steps": self.steps, "inspect": []}
        self.write("root.layout", layout, "owner")
        self.run("verify", "-l", "root.layout", "-k", str(KEYS / "test-only-owner.pem.pub"),
                 "--output", "report.html", *arguments, statuses=(status,))
        return self.folder / "report.html"


def digest(text):
    return {"sha256": hashlib.sha256(text.encode()).hexdigest()}


def files(*names):
    return {name: digest(name) for name in names}


def story(tool, folder, broken):
    """Sources, a build, tests and a package; broken: one artifact changed, one step not done."""
    chain = Chain(tool, folder)
    sources = files(*[f"src/module_{number:02}/{part}.rs" for number in range(12) for part in ("lib", "tests")])
    changed = {**sources, "src/module_03/lib.rs": digest("evil")} if broken else sources
    binary = files("target/app", "target/app.debug")
    match = ["MATCH", "*", "WITH", "PRODUCTS", "FROM", "checkout"]
    last = ["DISALLOW", "*"]
    chain.step("checkout", "alice", {}, sources, [[], [["CREATE", "src/*"], last]], ["git", "clone", "https://example.org/app"])
    chain.step("build", ["bob", "carol"], changed, {**changed, **binary},
               [[match, last], [["CREATE", "target/*"], match, last]], ["cargo", "build", "--release"], threshold=2)
    chain.step("test", "carol", {**changed, **binary}, {**changed, **binary},
               [[["MATCH", "*", "WITH", "PRODUCTS", "FROM", "build"], last],
                [["MATCH", "*", "WITH", "PRODUCTS", "FROM", "build"], last]], ["cargo", "test"], absent=broken)
    chain.step("package", "bob", binary, files("app.tar.gz"),
               [[["MATCH", "target/*", "WITH", "PRODUCTS", "FROM", "build"], last],
                [["CREATE", "app.tar.gz"], last]], ["tar", "czf", "app.tar.gz", "target/app"])
    return chain.report(1 if broken else 0)


HOSTILE = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>", "\"'><svg onload=alert(3)>",
           "--><!--<script>", "{{7*7}}${8*8}", "a\u2028b\u202ec", "javascript:alert(4)", "x" * 300]


def hostile(tool, folder):
    chain = Chain(tool, folder)
    chain.step("<b>one<|b> & \"two\"", "alice", {}, files(*HOSTILE), [[], []], HOSTILE)
    chain.step("next", "bob", files(*HOSTILE), {},
               [[["MATCH", "*", "WITH", "PRODUCTS", "FROM", "<b>one<|b> & \"two\""], ["DISALLOW", "*"]], []])
    chain.step("<img src=x onerror=alert(5)>", "carol", files(*HOSTILE), {}, [[["DISALLOW", "*"]], []])
    return chain.report(1)


def large(tool, folder, count):
    chain = Chain(tool, folder)
    names = {f"tree/{number // 1000:03}/file_{number:06}.dat": digest(str(number)) for number in range(count)}
    chain.step("gather", "alice", {}, names, [[], [["ALLOW", "*"]]])
    chain.step("pack", "bob", names, names,
               [[["MATCH", "*", "WITH", "PRODUCTS", "FROM", "gather"], ["DISALLOW", "*"]], [["DISALLOW", "*"]]])
    return chain.report(1)


# --- the browser ----------------------------------------------------------


class Browser:
    def __init__(self, program, profile):
        ours, theirs = os.pipe(), os.pipe()
        read_there = fcntl.fcntl(ours[0], fcntl.F_DUPFD, 20)
        write_there = fcntl.fcntl(theirs[1], fcntl.F_DUPFD, 20)

        def hand_over():
            os.dup2(read_there, 3)
            os.dup2(write_there, 4)

        self.process = subprocess.Popen(
            [program, *SWITCHES, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=hand_over, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for descriptor in (read_there, write_there, ours[0], theirs[1]):
            os.close(descriptor)
        self.to, self.back = ours[1], theirs[0]
        self.number, self.rest, self.events, self.session = 0, b"", [], None

    def message(self):
        while b"\0" not in self.rest:
            if not select.select([self.back], [], [], PATIENCE)[0]:
                sys.exit("browser: FAILED: it does not answer")
            part = os.read(self.back, 1 << 20)
            if not part:
                sys.exit("browser: FAILED: it has gone")
            self.rest += part
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        order = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            order["sessionId"] = self.session
        data = json.dumps(order).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        while True:
            message = self.message()
            if message.get("id") == self.number:
                if "error" in message:
                    sys.exit(f"browser: FAILED: {method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def open(self, path, width=1000, height=900, dark=False):
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.address = path.as_uri()
        self.call("Page.navigate", url=self.address)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def value(self, expression):
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            sys.exit(f"browser: FAILED: {expression}: {done['exceptionDetails']}")
        return done["result"].get("value")

    def until(self, expression):
        end = time.monotonic() + PATIENCE
        while not self.value(expression):
            if time.monotonic() > end:
                sys.exit(f"browser: FAILED: never: {expression}")
            time.sleep(0.02)

    def click(self, selector):
        before, box = None, self.into_view(selector)
        # What comes into view is laid out only then, and moves what is below it.
        while box != before:
            time.sleep(0.1)
            before, box = box, self.into_view(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def into_view(self, selector):
        return self.value(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{block: 'center', behavior: 'instant'}});
            const box = element.getBoundingClientRect();
            return [box.x + Math.min(box.width / 2, 60), box.y + Math.min(box.height / 2, 12)]; }})()""")

    def type(self, selector, text):
        self.value(f"(() => {{ const input = document.querySelector({json.dumps(selector)});"
                   "input.focus(); input.select(); })()")
        self.call("Input.insertText", text=text)

    def picture(self, path, whole=True):
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))

    def silent(self):
        """Nothing was logged, thrown, asked or fetched."""
        self.value("new Promise((done) => setTimeout(done, 50))")
        telling = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded",
                   "Page.javascriptDialogOpening", "Page.windowOpen")
        said = [event for event in self.events if event["method"] in telling]
        check("nothing is logged, thrown or asked", not said, said)
        fetched = [event["params"]["request"]["url"] for event in self.events
                   if event["method"] == "Network.requestWillBeSent"]
        check("nothing is fetched but the page", set(fetched) <= {self.address}, fetched)

    def close(self):
        self.session = None
        with contextlib.suppress(SystemExit):
            self.call("Browser.close")
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# --- what must hold -------------------------------------------------------


def passing(browser, page, pictures):
    print("a chain that passes")
    browser.open(page)
    check("it says so", browser.value("document.querySelector('h1').textContent") == "Passed")
    check("every step is drawn", browser.value("document.querySelectorAll('svg a').length") == 4)
    check("every flow is drawn", browser.value("document.querySelectorAll('svg .edge').length") == 3)
    check("none is broken", browser.value("document.querySelectorAll('svg .broken').length") == 0)
    opened = "document.querySelector('#item-1').open"
    check("a step that passed is closed", browser.value(opened) is False)
    browser.click("#item-1 summary")
    check("a step opens", browser.value(opened) is True)
    check("and shows its command", "cargo build" in browser.value("document.querySelector('#item-1').innerText"))
    browser.type("#search", "module_03/LIB")
    browser.until("document.querySelector('#count').textContent.startsWith('1 of ')")
    browser.click("#rows button")
    life = browser.value("document.querySelector('#one').innerText")
    check("the search finds, and shows a life", "product of step checkout" in life and "material of step test" in life)
    browser.type("#search", digest("app.tar.gz")["sha256"][:12])
    browser.until("document.querySelector('#rows').textContent.includes('app.tar.gz')")
    check("a digest is found", True)
    browser.type("#search", "nothing like it")
    browser.until("document.querySelector('#count').textContent.startsWith('0 of ')")
    browser.type("#search", "")
    browser.until("!document.querySelector('#count').textContent.includes(' of ')")
    browser.silent()
    browser.picture(pictures / "passing-light.png")
    browser.open(page, dark=True)
    browser.picture(pictures / "passing-dark.png")


def failing(browser, page, pictures):
    print("a chain that is broken")
    browser.open(page)
    check("it says so", browser.value("document.querySelector('h1').textContent") == "Refused")
    check("what broke is red", browser.value("document.querySelectorAll('svg .broken').length") >= 1)
    check("a step that failed is open", browser.value("document.querySelector('#item-1').open") is True)
    browser.click("#differs")
    browser.until("document.querySelector('#rows').textContent.includes('module_03/lib.rs')")
    check("what changed is found", browser.value("document.querySelectorAll('#rows button').length") == 1)
    browser.click("#rows button")
    check("and where", "other digests" in browser.value("document.querySelector('#one').innerText"))
    browser.silent()
    browser.picture(pictures / "failing-light.png")
    for dark, name in ((False, "failing-narrow.png"), (True, "failing-narrow-dark.png")):
        browser.open(page, width=360, height=740, dark=dark)
        wide = browser.value("document.documentElement.scrollWidth")
        check("it fits a narrow screen", wide <= 360, wide)
        browser.picture(pictures / name)
    browser.open(page, dark=True)
    browser.picture(pictures / "failing-dark.png")
    paper = base64.b64decode(browser.call("Page.printToPDF")["data"])
    check("it prints", paper.startswith(b"%PDF"))
    (pictures / "failing.pdf").write_bytes(paper)


def harmless(browser, page, pictures):
    print("names that would be something else")
    browser.open(page)
    check("there are no scripts but ours", browser.value("document.scripts.length") == 2)
    check("and no elements of theirs", browser.value("document.querySelectorAll('img, b, iframe, [onload]').length") == 0)
    browser.type("#search", "<img src=x")
    browser.until("document.querySelector('#count').textContent.startsWith('1 of ')")
    browser.click("#rows button")
    check("a name is shown as it is", "<img src=x onerror=alert(2)>" in browser.value("document.querySelector('#one').innerText"))
    wide = browser.value("document.documentElement.scrollWidth <= innerWidth")
    check("a long name makes it no wider", wide)
    browser.picture(pictures / "hostile.png")
    browser.silent()
    browser.value("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.foreign = 1'}))")
    check("a script of others would not run", browser.value("window.foreign === undefined"))


def many(browser, page, count, pictures):
    print(f"{count} artifacts, a page of {page.stat().st_size // 1_000_000} MB")
    start = time.monotonic()
    browser.open(page)
    browser.until(f"document.querySelector('#count').textContent === '{count:,} artifacts'")
    print(f"  (it opens in {time.monotonic() - start:.1f} s)")
    check("few rows are drawn", browser.value("document.querySelectorAll('#rows button').length") < 100)
    elements = browser.value("document.getElementsByTagName('*').length")
    check("and few elements", elements < 2000, elements)
    name = f"file_{count - 1:06}"
    start = time.monotonic()
    browser.type("#search", name)
    browser.until("document.querySelector('#count').textContent.startsWith('1 of ')")
    print(f"  (a search takes {(time.monotonic() - start) * 1000:.0f} ms, the wait for typing to end included)")
    check("the search finds one", name in browser.value("document.querySelector('#rows').textContent"))
    browser.type("#search", "9")
    browser.until("document.querySelector('#count').textContent.includes(' of ') && document.querySelectorAll('#rows button').length > 5")
    browser.value("document.querySelector('#list').scrollTop = 1e9")
    browser.until("document.querySelector('#rows').textContent.includes('file_099999')" if count >= 100_000 else "true")
    check("one can scroll to its end", True)
    more = "document.querySelector('button.more')"
    before = browser.value(f"{more}.previousElementSibling.children.length")
    browser.click("button.more")
    browser.until(f"{more}.previousElementSibling.children.length === {before + 500}")
    check("findings beyond the first are shown when asked for", True)
    browser.silent()
    browser.value("scrollTo(0, 0)")
    browser.picture(pictures / "many.png", whole=False)


def main():
    program, tool = sys.argv[1], str(pathlib.Path(sys.argv[2]).resolve())
    count = int(os.environ.get("ARTIFACTS", "100000"))
    with tempfile.TemporaryDirectory(prefix="linkwright-browser.") as folder:
        work = pathlib.Path(folder)
        pictures = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else work / "pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        pages = [story(tool, work / "passing", False), story(tool, work / "failing", True),
                 hostile(tool, work / "hostile"), large(tool, work / "large", count)]
        if len(sys.argv) > 3:
            for page in pages:
                (pictures / f"{page.parent.name}.html").write_bytes(page.read_bytes())
        browser = Browser(program, work / "profile")
        try:
            passing(browser, pages[0], pictures)
            failing(browser, pages[1], pictures)
            harmless(browser, pages[2], pictures)
            many(browser, pages[3], count, pictures)
        finally:
            browser.close()
    print("\nbrowser: OK: the pages render, open, search and stay silent")


main()
