"""A local server, one browser without a network, and a record of what each page asked for."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

#: Nothing but this computer has an address, and the browser asks for nothing on its own account.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
HEIGHT = {1280: 900, 768: 1024, 390: 844}
PATIENCE = 120_000  # milliseconds; a busy machine is slow, not broken

_TYPESET = """async () => {
    if (window.MathJax?.startup?.promise) await window.MathJax.startup.promise;
    await document.fonts.ready;
}"""
#: All folds are opened: what they hold must be as good as the rest.
_UNFOLD = """() => {
    for (const fold of document.querySelectorAll("main details:not([open])")) fold.open = true;
    for (const box of document.querySelectorAll("main .admonition.toggle-hidden"))
        box.querySelector("button.toggle-button").click();
}"""


def chromium() -> str | None:
    """The browser named by ``CHROMIUM``, or the first one on the path."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    return next((found for name in names if name and (found := shutil.which(name))), None)


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the browser's side of each request is recorded."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this computer; gives the address without final slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Record:
    """What went wrong while a page was open, each with its address."""

    outside: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """One line a problem."""
        return [
            *(f"asked for an outside address: {line}" for line in self.outside),
            *(f"request failed: {line}" for line in self.failed),
            *(f"console: {line}" for line in self.console),
        ]


class Viewer:
    """One browser; one context (one cache) for each width."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser, self.address = browser, address
        self._contexts: dict[int, Any] = {}

    def open(self, path: str, *, width: int = 1280, unfold: bool = True) -> tuple[Any, Record]:
        """Open a page in a new tab and wait until its formulas are set; the caller closes it."""
        if width not in self._contexts:
            context = self.browser.new_context(
                viewport={"width": width, "height": HEIGHT[width]},
                color_scheme="light",
                reduced_motion="reduce",
            )
            context.set_default_timeout(PATIENCE)
            self._contexts[width] = context
        page = self._contexts[width].new_page()
        record = self._listen(page)
        page.goto(f"{self.address}/{path}", wait_until="load")
        page.evaluate(_TYPESET)
        if unfold:
            page.evaluate(_UNFOLD)
        return page, record

    def _listen(self, page: Any) -> Record:
        record, local = Record(), (f"{self.address}/", "data:", "blob:")

        def on_request(request: Any) -> None:
            if not request.url.startswith(local):
                record.outside.append(request.url[:200])

        def on_failure(request: Any) -> None:
            if request.url.startswith(local):
                record.failed.append(f"{request.url} ({request.failure})")

        def on_response(response: Any) -> None:
            if response.status >= 400:
                record.failed.append(f"{response.url} (status {response.status})")

        def on_console(message: Any) -> None:
            if message.type in ("error", "warning"):
                record.console.append(f"{message.type}: {message.text}"[:300])

        page.on("request", on_request)
        page.on("websocket", lambda socket: record.outside.append(socket.url))
        page.on("requestfailed", on_failure)
        page.on("response", on_response)
        page.on("console", on_console)
        page.on("pageerror", lambda error: record.console.append(f"exception: {error}"[:300]))
        return record

    def close(self) -> None:
        """Close all tabs; the browser stays."""
        for context in self._contexts.values():
            context.close()
        self._contexts.clear()


@contextmanager
def browsing() -> Iterator[Any]:
    """Start the browser with a profile of its own, and end it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), headless=True, args=FLAGS, timeout=PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()
