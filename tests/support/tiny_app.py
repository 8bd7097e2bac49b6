"""A process as small as can be, to be supervised: `tiny_app.py web PORT`, `tiny_app.py worker`, `tiny_app.py deaf`."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from gateway.lifeline import stop_with_parent


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def main(role: str, port: str = "0") -> None:
    if role != "deaf":  # a deaf one stays when its parent is gone
        stop_with_parent()
    if role == "web":
        HTTPServer(("127.0.0.1", int(port)), Ready).serve_forever()
    threading.Event().wait()


main(*sys.argv[1:])
