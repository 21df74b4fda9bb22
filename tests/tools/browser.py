# SPDX-License-Identifier: Apache-2.0
"""A browser (Chromium, headless) that is talked to over two pipes, in its own protocol: what a page is to a screen reader and to a
keyboard. For view_browser.py."""
import fcntl
import json
import os
import subprocess


class Browser:
    """One browser with one page. `command`: the program and its options, without a page."""

    def __init__(self, command, environment):
        to_child, to_browser = os.pipe()
        from_browser, from_child = os.pipe()

        def descriptors():
            # 3 and 4 may be the pipes' own: copied out of the way first
            copies = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (to_child, from_child)]
            os.dup2(copies[0], 3)
            os.dup2(copies[1], 4)

        self.process = subprocess.Popen([*command, "--remote-debugging-pipe"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env=environment, preexec_fn=descriptors, close_fds=False)
        os.close(to_child)
        os.close(from_child)
        self.out, self.rest, self.number, self.session = to_browser, from_browser, 0, None
        self.pending = b""

    def message(self):
        while b"\0" not in self.pending:
            block = os.read(self.rest, 1 << 20)
            if not block:
                raise EOFError("the browser is gone")
            self.pending += block
        text, self.pending = self.pending.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        while (answer := self.message()).get("id") != self.number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def open(self, address):
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        self.ask("Page.navigate", url=address)
        while self.message().get("method") != "Page.loadEventFired":
            pass

    def tree(self):
        """What a screen reader gets, in its order: (role, name, level or None, ancestors' roles) of each node that it is told of."""
        self.ask("Accessibility.enable")
        nodes = {node["nodeId"]: node for node in self.ask("Accessibility.getFullAXTree")["nodes"]}
        told = []

        def walk(node, above):
            role, name = node.get("role", {}).get("value"), node.get("name", {}).get("value", "")
            if not node.get("ignored"):
                level = next((p["value"]["value"] for p in node.get("properties", []) if p["name"] == "level"), None)
                told.append((role, name, level, above))
                above = above + (role,)
            for child in node.get("childIds", []):
                if child in nodes:
                    walk(nodes[child], above)

        walk(next(node for node in nodes.values() if "parentId" not in node), ())
        return told

    def tab(self):
        """Presses Tab; the address of the link that has the focus then, None when it is none."""
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        return self.value("document.activeElement && document.activeElement.getAttribute('href')")

    def value(self, expression):
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def close(self):
        try:
            self.session = None
            self.ask("Browser.close")
        except (EOFError, OSError):
            pass
        self.process.wait(60)
        os.close(self.out)
        os.close(self.rest)
