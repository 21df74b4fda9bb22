#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The page of ehr-view --html in a real browser (Chromium, headless): no request leaves it, nothing in it runs, and it can be
seen. First the trap itself is tried with a page that does both.

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


def run(page, *arguments):
    command = [browser, "--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", f"--user-data-dir={here}/profile",
               f"--proxy-server=http://127.0.0.1:{proxy.getsockname()[1]}", "--proxy-bypass-list=<-loopback>",
               "--virtual-time-budget=3000", *arguments, page.as_uri()]
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
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
shutil.rmtree(here, ignore_errors=True)
print(f"1..{len(results)}")
sys.exit(not all(results))
