#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The page of ehr-view --html in a real browser (Chromium, headless): no request leaves it, nothing in it runs, it can be
seen, and it can be read without seeing it (EN 301 549, 9.1.1.1 to 9.4.1.2: what of that a program can tell). First the trap
itself is tried with a page that does both.

usage: view_browser.py EHR_VIEW [SCREENSHOT]
"""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import view_fixture as fixture
from browser import Browser

browser = shutil.which("chromium")
if browser is None:
    print("1..0 # SKIP no chromium (tools/deps browser installs it)")
    sys.exit(77)

here = Path(tempfile.mkdtemp(prefix="ehrlink-browser-"))
asked = []
proxy = socket.create_server(("127.0.0.1", 0))


def listen():
    """Every request of the browser comes here, whatever it is for, and is refused."""
    while True:
        connection, _ = proxy.accept()
        with connection:
            asked.append(connection.recv(4096).split(b"\r\n")[0].decode(errors="replace"))
            connection.sendall(b"HTTP/1.1 502 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


threading.Thread(target=listen, daemon=True).start()


def command_line(*arguments):
    command = [browser, "--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", f"--user-data-dir={here}/profile",
               f"--proxy-server=http://127.0.0.1:{proxy.getsockname()[1]}", "--proxy-bypass-list=<-loopback>",
               *arguments]
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")
    return command


def run(page, *arguments):
    return subprocess.run(command_line("--virtual-time-budget=3000", *arguments, page.as_uri()), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          timeout=240, env={**os.environ, "HOME": str(here)})


def to_canary():
    return [line for line in asked if fixture.CANARY in line]


results = []


def check(ok, name):
    results.append(ok)
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {name}", flush=True)


trap = here / "trap.html"
trap.write_text(f'<title>quiet</title><script>document.title="RAN"</script><img src="http://{fixture.CANARY}/img">')
dom = run(trap, "--dump-dom").stdout
if not dom:
    print("1..0 # SKIP this chromium does not start here")
    shutil.rmtree(here, ignore_errors=True)
    sys.exit(77)
check("<title>RAN</title>" in dom, "the trap: without ehr-view the script runs")
check(bool(to_canary()), "the trap: without ehr-view requests leave")

asked.clear()
record, page, picture = here / "record.json", here / "page.html", Path(sys.argv[2]) if len(sys.argv) > 2 else here / "page.png"
fixture.write(record)
subprocess.run([sys.argv[1], "--html", str(page), str(record)], check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
dom = run(page, "--dump-dom").stdout
check("<title>Health records</title>" in dom and "RAN" not in dom.split("</title>")[0], "nothing runs")
check("GOODDRUG" in dom and dom.count("<main>") == 1 and dom.rstrip().endswith("</main>\n\n\n</body></html>") or
      "</main>" in dom[-60:], "the browser sees the structure that was written")
run(page, f"--screenshot={picture}", "--window-size=900,1800")
check(picture.is_file() and picture.read_bytes()[:4] == b"\x89PNG" and picture.stat().st_size > 10000, "it can be seen")
check(not to_canary(), "no request leaves it")

# without seeing it: what a screen reader is told, and where the keyboard leads. A record of every kind of entry, a plain one, a picture.
spoken = here / "spoken"
spoken.mkdir()
fixture.write(spoken / "a.json")
shutil.copy(Path(__file__).resolve().parents[2] / "tools/sample/patient-summary.json", spoken / "b.json")
(spoken / "p.png").write_bytes(bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
                                             "0000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"))
subprocess.run([sys.argv[1], "--html", str(page), str(spoken)], check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
window = Browser(command_line(), {**os.environ, "HOME": str(here)})
window.open(page.as_uri())
told = window.tree()
roles = [role for role, *_ in told]


def names_of(role):
    return [name for one, name, *_ in told if one == role]


check(told[0][:2] == ("RootWebArea", "Health records"), "the page has a name")
check(roles.count("main") == 1 and all("main" in above or role in ("RootWebArea", "main") or not name
                                       for role, name, _, above in told[1:]), "all that it says is in one main landmark")
levels = [level for role, _, level, _ in told if role == "heading"]
check(levels and levels[0] == 1 and levels.count(1) == 1 and all(b <= a + 1 for a, b in zip(levels, levels[1:])) and
      all(names_of("heading")), "headings have words, and go down one by one")
check(len(names_of("article")) == 3 and all(names_of("article")) and all(names_of("region")), "each record and section is a landmark with a name")
check(all(name.strip() for name in names_of("link")) and len(set(names_of("link"))) > len(names_of("link")) / 2,
      "every link says where it leads")
check(names_of("image") == ["Preview of p.png"], "a picture has words in its place")
check(roles.count("columnheader") > 0 and all(names_of("columnheader")) and
      all("table" in above for role, _, _, above in told if role in ("columnheader", "cell")), "tables of the authors keep their headers")
check(all("list" in above for role, _, _, above in told if role == "listitem"), "entries are in lists")
spoken_text = " ".join(name for role, name, *_ in told if role == "StaticText")
order = [spoken_text.find(word) for word in ("Copy carried by the patient", "Patient", "Allergies and intolerances", "Medications", "GOODDRUG")]
check(-1 not in order and order == sorted(order), "it is read in the order in which it is seen: the warning, who, allergies, medications")
check(window.value("document.documentElement.lang") == "en" and
      window.value("[...document.querySelectorAll('[lang]')].every(e => /^[A-Za-z0-9-]+$/.test(e.lang))"), "it says its language, and each other one")
check(window.value("document.querySelectorAll('[tabindex],[accesskey],[autofocus]').length") == 0, "nothing changes the order of the keyboard")
links = window.value("[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))")
seen = [window.tab() for _ in links]
check(links and seen == links, "the Tab key goes through all links in their order")
check(window.value("[...document.querySelectorAll('a[href]')].every(a => document.querySelector(a.getAttribute('href')) !== null)"),
      "each leads to a place in the page")
check(window.value("(() => { const a = document.querySelector('a[href]'); a.focus(); const s = getComputedStyle(a);"
                   " return a.matches(':focus') && s.outlineStyle !== 'none'; })()"), "where the keyboard is can be seen")
check(window.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "nothing has to be scrolled sideways")
window.close()
shutil.rmtree(here, ignore_errors=True)
print(f"1..{len(results)}")
sys.exit(not all(results))
