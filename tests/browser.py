#!/usr/bin/env python3
"""The page of web_chat in a real browser: headless Chromium, driven by chromedriver.

    tests/browser.py [-v] [name of a test ...]

It needs bin/pchatsrv and bin/web_chat, and Debian's packages chromium and chromium-driver,
but no Python package. SHOTS names a directory for screenshots, for people to look at.

chromedriver is a web server (W3C WebDriver): each thing that a user does is a POST to it.
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.request

DEADLINE = 20  # seconds; every wait ends by then
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver's name for an element
ENTER, TAB, UP, DOWN = "\ue007", "\ue004", "\ue013", "\ue015"


def wait_for(what, condition):
    """Waits until condition() is true, and returns its value."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"this did not happen: {what}")


class Server:
    """A program under test, on a port of 127.0.0.1."""

    def __init__(self, *command, port=0):
        words = [*command, "-p", str(port)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.port = int(re.search(r"port (\d+)", self.process.stdout.readline())[1])
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(DEADLINE) == 0


class Telnet:
    """Somebody in the room without a browser."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(DEADLINE)
        self.text = ""
        self.sees("You're connected")

    def says(self, line):
        self.socket.sendall(line.encode() + b"\r\n")

    def sees(self, words):
        while words not in self.text:
            got = self.socket.recv(65536)
            assert got, f"the room has closed before {words!r}"
            self.text += got.decode("utf-8", "replace")
        self.text = self.text.split(words, 1)[1]


class Proxy:
    """Stands between a browser and web_chat, and can cut all connections, or freeze them."""

    def __init__(self, port):
        self.target, self.pairs, self.frozen, self.is_cut = port, [], set(), False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            if self.is_cut:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.target))
            self.pairs += [client, server]
            for ends in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=ends, daemon=True).start()

    def copy(self, source, to):
        try:
            while got := source.recv(65536):
                if source not in self.frozen:
                    to.sendall(got)
            if source not in self.frozen:
                to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def freeze(self):
        """Nothing passes on the connections so far, as if a machine had been switched off."""
        self.frozen.update(self.pairs)

    def cut(self):
        self.is_cut = True
        for end in self.pairs:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.pairs.clear()

    def mend(self):
        self.is_cut = False


class Driver:
    """chromedriver, which starts browsers."""

    def __init__(self):
        self.process = subprocess.Popen(["chromedriver", "--port=0"], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line in self.process.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                self.port = int(found[1])
                break
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def call(self, method, path, **body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method,
            data=json.dumps(body).encode() if method == "POST" else None)
        try:
            with urllib.request.urlopen(request, timeout=3 * DEADLINE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from None

    def stop(self):
        self.process.terminate()
        self.process.wait(DEADLINE)


class Browser:
    """A window of a browser with a profile of its own."""

    def __init__(self, driver):
        arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage"]
        if os.getuid() == 0:
            arguments.append("--no-sandbox")  # Chromium's own does not work for root
        wanted = {"goog:chromeOptions": {"args": arguments},
                  "goog:loggingPrefs": {"browser": "ALL"}}
        self.driver = driver
        self.session = driver.call("POST", "/session", capabilities={
            "alwaysMatch": wanted})["sessionId"]

    def call(self, path, **body):
        return self.driver.call("POST", f"/session/{self.session}/{path}", **body)

    def stop(self):
        self.driver.call("DELETE", f"/session/{self.session}")

    def run(self, script, *arguments):
        """Runs a script in the page and returns its value."""
        return self.call("execute/sync", script=script, args=arguments)

    def devtools(self, command, **parameters):
        return self.call("goog/cdp/execute", cmd=command, params=parameters)

    def size(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=False)

    def colours(self, scheme):
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])

    def open(self, port):
        self.call("url", url=f"http://127.0.0.1:{port}/")

    def opens_tab(self):
        self.call("window", handle=self.call("window/new", type="tab")["handle"])

    def forgets(self):
        self.run("sessionStorage.clear()")
        self.call("url", url="about:blank")
        self.complaints()

    def keys(self, text):
        """Types into whatever has the focus."""
        steps = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self.call("actions", actions=[{"type": "key", "id": "keys", "actions": steps}])

    def focus(self):
        return self.run("return document.activeElement.id")

    def joins(self, port, name):
        self.open(port)
        self.keys(name + ENTER)
        self.sees("You are in the room as" if name else "You are in the room as web-")

    def says(self, line):
        self.run("document.getElementById('line').focus()")
        self.keys(line + ENTER)

    def rows(self, kind="row"):
        return self.run("return [...document.getElementsByClassName(arguments[0])]"
                        ".map(row => row.textContent)", kind)

    def sees(self, words, kind="row"):
        """Waits for a row of the log with these words. Returns its text."""
        return wait_for(f"a {kind} with {words!r}",
                        lambda: next((row for row in self.rows(kind) if words in row), ""))

    def names(self):
        return self.run("return [...document.querySelectorAll('#names button')]"
                        ".map(name => name.textContent)")

    def value(self, field):
        return self.run("return document.getElementById(arguments[0]).value", field)

    def complaints(self):
        """What the browser has printed on its console since the last call."""
        return [entry["message"] for entry in self.call("se/log", type="browser")]

    def shot(self, name):
        if os.environ.get("SHOTS"):
            import base64
            with open(os.path.join(os.environ["SHOTS"], name + ".png"), "wb") as file:
                file.write(base64.b64decode(self.devtools("Page.captureScreenshot")["data"]))


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.driver = Driver()
        cls.ann, cls.bob = Browser(cls.driver), Browser(cls.driver)

    @classmethod
    def tearDownClass(cls):
        cls.ann.stop()
        cls.bob.stop()
        cls.driver.stop()

    def setUp(self):
        self.room = Server("bin/pchatsrv", "-b", "127.0.0.1")
        self.web = Server("bin/web_chat", "-b", "127.0.0.1", "-r",
                          f"127.0.0.1:{self.room.port}")
        for browser in (self.ann, self.bob):
            browser.size(1000, 700)
            browser.colours("light")

    def tearDown(self):
        for browser in (self.ann, self.bob):
            browser.shot(f"{self._testMethodName}-{'ann' if browser is self.ann else 'bob'}")
            if browser.run("return location.protocol") == "http:":
                browser.forgets()
        self.web.stop()
        self.room.stop()

    def join_all(self):
        """Two browsers and a telnet, each of which has seen the others come."""
        self.ann.joins(self.web.port, "ann")
        self.bob.joins(self.web.port, "bob")
        self.ann.sees("bob joined", "news")
        self.telnet = Telnet(self.room.port)
        self.telnet.says("/nick tel")
        self.telnet.sees("is now tel")
        for browser in (self.ann, self.bob):
            browser.sees("tel joined", "news")

    def test_two_browsers_and_a_telnet_are_in_one_room(self):
        self.join_all()
        self.ann.says("Hello from a browser")
        self.telnet.sees("[ann] Hello from a browser")
        self.assertEqual(self.bob.sees("Hello from a browser", "said"),
                         "ann: Hello from a browser")
        self.telnet.says("Hello from a telnet")
        for browser in (self.ann, self.bob):
            self.assertEqual(browser.sees("from a telnet", "said"), "tel: Hello from a telnet")
            self.assertEqual(browser.names(), ["ann", "bob", "tel"])

    def test_own_lines_are_told_from_those_of_others_and_news_is_grey(self):
        self.join_all()
        self.ann.says("Mine")
        self.bob.says("Yours")
        self.ann.sees("Mine", "own")
        self.ann.sees("Yours", "said")
        self.assertEqual(len([row for row in self.ann.rows("own") if "Yours" in row]), 0)
        self.telnet.says("/quit Lunch")
        self.ann.sees("tel left: Lunch", "news")
        self.assertEqual(self.ann.names(), ["ann", "bob"])
        colours = self.ann.run(
            "return ['.news .text', '.said .text'].map(row => getComputedStyle("
            "document.querySelector(row)).color)")
        self.assertNotEqual(colours[0], colours[1])

    def test_what_anybody_says_is_text(self):
        nasty = ["<script>document.title = 'bad'</script>",
                 "<img src=x onerror=\"document.title = 'bad'\">",
                 "&lt;b&gt; ${name} javascript:alert(1)", "</p></div><h1>Big</h1>"]
        self.join_all()
        for line in nasty:
            self.telnet.says(line)
            self.ann.says(line)
            self.bob.says(line)
            self.telnet.sees("[bob] " + line)
            for browser in (self.ann, self.bob):
                wait_for(f"{line} from all", lambda: len(
                    [row for row in browser.rows("said") if row.endswith(": " + line)]) == 3)
        for browser in (self.ann, self.bob):
            self.assertEqual(browser.run("return document.title"), "The room")
            self.assertEqual(browser.run(
                "return document.querySelectorAll('#log script, #log img, #log h1').length"), 0)
            self.assertEqual(browser.complaints(), [])

    def test_escape_sequences_and_misleading_characters_are_shown_not_obeyed(self):
        self.join_all()
        self.telnet.says("a\x1b[2Jb\x9bc\u202etxt.exe")
        self.assertEqual(self.ann.sees("[2J", "said"), "tel: a^[[2JbM-^[c\ufffdtxt.exe")
        self.ann.run("post('/say', 'a\\x1b[2Jb\\u009bc\\u202etxt.exe')")
        self.telnet.sees("[ann] a^[[2JbM-^[c")
        self.assertEqual(self.bob.sees("ann: a", "said"), "ann: a^[[2JbM-^[c\ufffdtxt.exe")
        self.assertEqual(self.ann.sees("ann: a", "own"), "ann: a^[[2JbM-^[c\ufffdtxt.exe")

    def test_commands_work_as_in_telnet(self):
        self.join_all()
        self.ann.says("/me waves")
        self.telnet.sees("* ann waves")
        self.assertEqual(self.bob.sees("waves", "action"), "ann waves")
        self.ann.sees("ann waves", "own")
        self.ann.says("/msg bob psst")
        self.assertEqual(self.bob.sees("psst", "private"), "ann: (to you alone) psst")
        self.assertEqual(self.ann.sees("psst", "private"), "ann: (to bob alone) psst")
        self.ann.says("/who")
        self.ann.sees("3 here: ann, bob, tel", "note")
        self.ann.says("//me")
        self.bob.sees("ann: /me", "said")
        self.ann.says("/quit Bye")
        self.telnet.sees("Client left ann: Bye")
        self.ann.sees("You have left the room")
        self.assertEqual(self.bob.sees("ann left", "news"), "ann left: Bye")
        self.ann.run("document.getElementById('again').click()")
        self.telnet.sees("is now ann")

    def test_a_name_is_changed_and_one_in_use_is_not_taken(self):
        self.join_all()
        field = "document.getElementById('name')"
        self.ann.run(f"{field}.select(); {field}.focus()")
        self.ann.keys("bob" + ENTER)
        self.ann.sees("The name bob is in use", "note")
        self.assertEqual(self.ann.value("name"), "ann")
        self.ann.run(f"{field}.select(); {field}.focus()")
        self.ann.keys("eve" + ENTER)
        self.telnet.sees("Client ann is now eve")
        self.bob.sees("ann is now eve", "news")
        self.ann.sees("ann is now eve", "news")
        self.assertEqual(self.bob.names(), ["bob", "eve", "tel"])
        self.assertEqual(self.ann.focus(), "line")
        third = Browser(self.driver)
        third.open(self.web.port)
        third.keys("eve" + ENTER)
        third.sees("The name eve is in use: you are eve1")
        wait_for("a list", lambda: "eve1" in third.names())
        third.stop()

    def test_up_brings_back_what_was_said(self):
        self.join_all()
        for line in ("one", "two"):
            self.ann.says(line)
        self.ann.keys("half" + UP)
        self.assertEqual(self.ann.value("line"), "two")
        self.ann.keys(UP + UP)
        self.assertEqual(self.ann.value("line"), "one")
        self.ann.keys(DOWN + DOWN)
        self.assertEqual(self.ann.value("line"), "half")

    def test_the_keyboard_alone_reaches_everything(self):
        self.ann.joins(self.web.port, "ann")
        self.assertEqual(self.ann.focus(), "line")
        seen = set()
        for _ in range(12):
            self.ann.keys(TAB)
            seen.add(self.ann.run("return document.activeElement.id || "
                                  "document.activeElement.textContent"))
        self.assertLessEqual({"name", "Change", "log", "line", "Send", "ann"}, seen)

    def test_a_screen_reader_finds_the_log_and_every_field_has_a_name(self):
        self.join_all()
        self.telnet.says("Hello")
        self.ann.sees("Hello", "said")
        nodes = self.ann.devtools("Accessibility.getFullAXTree")["nodes"]
        found = [(node["role"]["value"], node.get("name", {}).get("value", ""))
                 for node in nodes if not node["ignored"]]
        self.assertIn(("log", "What is said"), found)
        self.assertIn(("list", "Who is here"), found)
        self.assertIn(("textbox", "What you say"), found)
        self.assertIn(("textbox", "Name"), found)
        for role, name in found:
            if role in ("textbox", "button"):
                self.assertTrue(name, f"a {role} has no name")

    def test_it_fits_a_narrow_and_a_wide_window(self):
        self.join_all()
        self.telnet.says("x" * 500)
        self.telnet.says("Words " * 60)
        self.telnet.says("\U0001f44d\u200d" * 200)  # one sign, which cannot be broken
        self.bob.says("Mine")
        self.bob.sees("Mine", "own")
        for width, height in ((320, 568), (1920, 1080), (320, 300)):
            self.bob.size(width, height)
            self.assertLessEqual(
                self.bob.run("return document.documentElement.scrollWidth"), width)
            self.assertLessEqual(
                self.bob.run("return document.documentElement.scrollHeight"), height)
            self.assertTrue(self.bob.run(
                "return log.scrollWidth <= log.clientWidth"))
            bottom = self.bob.run(
                "return document.getElementById('say').getBoundingClientRect().bottom")
            self.assertLessEqual(bottom, height)
            self.assertGreater(self.bob.run(
                "return document.getElementById('log').clientHeight"), 60)
            self.bob.shot(f"width-{width}-{height}")

    def test_texts_have_contrast_in_light_and_dark(self):
        self.join_all()
        self.telnet.says("Hello")
        self.telnet.says("/msg ann Psst")
        self.ann.says("Mine")
        self.ann.sees("Psst", "private")
        self.ann.sees("Mine", "own")
        for scheme in ("light", "dark"):
            self.ann.colours(scheme)
            ratio, where = self.ann.run(CONTRAST)
            self.assertGreaterEqual(ratio, 4.5, f"{scheme}: {where}")
            self.ann.shot(scheme)

    def test_a_cut_connection_is_noted_and_nothing_is_lost_or_comes_twice(self):
        proxy = Proxy(self.web.port)
        self.ann.joins(proxy.port, "ann")
        telnet = Telnet(self.room.port)
        for n in range(3):
            telnet.says(f"line {3 * n}")
            self.ann.sees(f"line {3 * n}", "said")
            proxy.cut()
            wait_for("a note that it is lost", lambda: len(
                [row for row in self.ann.rows("note") if "connection is lost" in row]) == n + 1)
            telnet.says(f"line {3 * n + 1}")
            telnet.says(f"line {3 * n + 2}")
            self.ann.shot("lost")
            proxy.mend()
            wait_for("a note that it is back", lambda: len(
                [row for row in self.ann.rows("note") if "connection is back" in row]) == n + 1)
            self.ann.sees(f"line {3 * n + 2}", "said")
        lines = [row.split(": ")[1] for row in self.ann.rows("said")]
        self.assertEqual(lines, [f"line {n}" for n in range(9)])

    def test_a_connection_on_which_nothing_comes_is_noticed(self):
        proxy = Proxy(self.web.port)
        self.ann.joins(proxy.port, "ann")
        telnet = Telnet(self.room.port)
        proxy.freeze()
        telnet.says("Are you there?")
        self.ann.run("heard -= 60000")  # a minute passes
        self.ann.sees("The connection is lost", "note")
        self.ann.sees("The connection is back", "note")
        self.ann.sees("Are you there?", "said")
        self.assertEqual(len(self.ann.rows("said")), 1)

    def test_a_machine_that_was_switched_off_and_on_gets_its_people_back(self):
        proxy = Proxy(self.web.port)
        self.ann.joins(proxy.port, "ann")
        telnet = Telnet(self.room.port)
        proxy.freeze()
        self.web.stop()
        self.web = Server("bin/web_chat", "-b", "127.0.0.1", "-r",
                          f"127.0.0.1:{self.room.port}")
        proxy.target = self.web.port
        self.ann.says("Hello?")
        self.ann.sees("The server has forgotten us")
        telnet.sees("is now ann")
        self.ann.keys(ENTER)
        telnet.sees("[ann] Hello?")

    def test_five_windows_of_a_browser_can_speak_and_the_sixth_says_that_it_cannot(self):
        telnet = Telnet(self.room.port)
        many = Browser(self.driver)
        self.addCleanup(many.stop)
        for n in range(6):
            if n > 0:
                many.opens_tab()
            many.joins(self.web.port, f"p{n}")
            many.says("Hello")
            if n < 5:
                telnet.sees(f"[p{n}] Hello")
        many.sees("Perhaps not sent (the server does not answer): Hello", "note")

    def test_a_line_that_cannot_be_sent_is_given_back(self):
        proxy = Proxy(self.web.port)
        self.ann.joins(proxy.port, "ann")
        proxy.cut()
        self.ann.says("Hello?")
        self.ann.sees("Not sent", "note")
        self.assertEqual(self.ann.value("line"), "Hello?")

    def test_a_room_that_is_down_is_noted_and_comes_back(self):
        self.join_all()
        port = self.room.port
        self.room.stop()
        self.ann.sees("The room is down", "note")
        self.ann.says("Hello?")
        self.ann.sees("Not sent (the room is down", "note")
        self.ann.shot("down")
        self.room = Server("bin/pchatsrv", "-b", "127.0.0.1", port=port)
        for browser in (self.ann, self.bob):
            browser.sees("The room is back", "note")
            wait_for("both in the list", lambda: browser.names() == ["ann", "bob"])
        self.ann.keys(ENTER)
        self.bob.sees("ann: Hello?", "said")

    def test_a_server_that_is_started_again_gets_its_people_back(self):
        self.join_all()
        port = self.web.port
        self.web.stop()
        self.ann.sees("The web server is stopping")
        self.web = Server("bin/web_chat", "-b", "127.0.0.1", "-r",
                          f"127.0.0.1:{self.room.port}", port=port)
        self.ann.sees("The server has forgotten us")
        self.telnet.sees("is now ann")
        self.ann.says("Here again")
        self.telnet.sees("[ann] Here again")

    def test_a_page_that_is_loaded_again_is_the_same_person(self):
        self.join_all()
        self.telnet.says("Before")
        self.ann.sees("Before", "said")
        self.ann.open(self.web.port)
        self.ann.sees("Before", "said")
        self.ann.says("After")
        self.telnet.sees("[ann] After")
        self.assertNotIn("left ann", self.telnet.text)

    def test_the_second_window_of_a_person_takes_over_from_the_first(self):
        self.join_all()
        saved = self.ann.run("return sessionStorage.getItem('room')")
        self.bob.run("sessionStorage.setItem('room', arguments[0])", saved)
        self.bob.open(self.web.port)
        self.ann.sees("in another window")
        self.telnet.says("To one of them")
        self.bob.sees("To one of them", "said")
        self.assertNotIn("tel: To one of them", self.ann.rows())
        self.assertEqual([row for row in self.ann.rows() if "is lost" in row], [])

    def test_a_window_in_the_background_does_not_take_the_room_back(self):
        self.join_all()
        self.ann.run("const timer = setTimeout;"  # a browser slows it down there
                     "window.setTimeout = (call, ms) => timer(call, ms + 3000)")
        saved = self.ann.run("return sessionStorage.getItem('room')")
        self.bob.run("sessionStorage.setItem('room', arguments[0])", saved)
        self.bob.open(self.web.port)
        self.ann.sees("in another window")
        self.assertEqual(self.bob.run("return state.textContent"), "Connected")

    def test_the_log_scrolls_only_for_a_reader_at_its_end(self):
        self.join_all()
        top = "return Math.round(document.getElementById('log').scrollTop)"
        for n in range(60):
            self.telnet.says(f"line {n}")
        self.ann.sees("line 59", "said")
        wait_for("the end in sight", lambda: self.ann.run("return isAtEnd()"))
        self.ann.run("document.getElementById('log').scrollTop = 100")
        wait_for("it", lambda: not self.ann.run("return isFollowing"))
        self.telnet.says("one more")
        self.ann.sees("one more", "said")
        self.assertEqual(self.ann.run(top), 100)
        self.assertEqual(self.ann.run("return document.getElementById('more').textContent"),
                         "1 new line below")
        self.ann.run("document.getElementById('more').click()")
        wait_for("the end in sight", lambda: self.ann.run("return isAtEnd()"))
        self.telnet.says("and another")
        self.ann.sees("and another", "said")
        wait_for("the end in sight", lambda: self.ann.run("return isAtEnd()"))

    def test_ten_thousand_lines_do_not_slow_it_down(self):
        self.join_all()
        few = self.ann.call("execute/async", script=FRAMES, args=[])
        for n in range(10000):
            self.telnet.says(f"line {n} of ten thousand, as long as what people say")
        self.ann.sees("line 9999 ", "said")
        many = self.ann.call("execute/async", script=FRAMES, args=[])
        print(f"a line takes {few:.1f} ms at first, and {many:.1f} ms after 10,000 lines",
              file=sys.stderr)
        self.assertGreaterEqual(len(self.ann.rows("said")), 10000)
        self.assertTrue(self.ann.run("return isAtEnd()"))
        self.assertLess(many, few + 50)

    def test_a_name_that_is_no_name_is_refused_at_the_door(self):
        self.ann.open(self.web.port)
        self.assertEqual(self.ann.focus(), "wanted")
        self.ann.keys("you" + ENTER)
        wait_for("a refusal", lambda: self.ann.run(
            "return document.getElementById('refused').textContent"))
        self.ann.shot("door")
        self.ann.joins(self.web.port, "")
        self.assertEqual(self.ann.value("name"), "web-1")
        self.ann.complaints()  # the browser notes each answer of 400

    def test_nothing_else_may_run_and_no_other_site_is_asked(self):
        self.ann.joins(self.web.port, "ann")
        self.ann.run("""
            window.violated = [];
            document.addEventListener('securitypolicyviolation',
                event => violated.push(event.effectiveDirective));
            const script = document.createElement('script');
            try { script.textContent = 'document.title = "bad"'; } catch { violated.push('tt'); }
            document.body.append(script);
            try { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); }
            catch { violated.push('tt'); }
            fetch('http://127.0.0.1:1/').catch(() => {});
            document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:1/x'}));
            """)
        wait_for("the policy's complaints", lambda: {"connect-src", "img-src", "tt"} <=
                 set(self.ann.run("return violated")))
        self.assertEqual(self.ann.run("return document.title"), "The room")
        asked = self.ann.run("return performance.getEntriesByType('resource')"
                             ".map(entry => new URL(entry.name).host)")
        self.assertEqual(set(asked) - {f"127.0.0.1:{self.web.port}", "127.0.0.1:1"}, set())


# The least contrast (WCAG 2.2, 1.4.3) between a text and what is behind it.
CONTRAST = """
const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map(c => (c /= 255) <= .04045 ? c / 12.92
                                                          : ((c + .055) / 1.055) ** 2.4);
  return .2126 * x + .7152 * y + .0722 * z;
};
const behind = element => {
  for (; element; element = element.parentElement) {
    const colour = numbers(getComputedStyle(element).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
let least = [99, ''];
for (const element of document.querySelectorAll(
    '#room .text, #room .name, #state, #hint, #room button, summary, #room label, #room input')) {
  if (element.offsetWidth === 0) continue;
  for (let n = element.matches('.name') ? 0 : 7; n < 8; n++) {
    if (element.matches('.name')) element.className = 'name n' + n;
    const [a, b] = [light(numbers(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < least[0]) least = [ratio, element.outerHTML];
  }
}
return least;
"""

# How long a line takes, from its coming to the second frame after it: the mean of 20.
FRAMES = """
const done = arguments[0];
(async () => {
  const began = performance.now();
  for (let n = 0; n < 20; n++) {
    waiting.push(['said', ['x', 'A line to measure']]);
    show();
    await new Promise(resume => requestAnimationFrame(() => requestAnimationFrame(resume)));
  }
  done((performance.now() - began) / 20);
})();
"""

if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    unittest.main(warnings="ignore")  # what a test leaves open ends with it
