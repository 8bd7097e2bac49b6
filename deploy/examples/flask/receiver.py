"""A receiver of Stecker's webhooks: verify, forget repeats, answer, work later."""

import base64
import hashlib
import hmac
import json
import logging
import os
import queue
import threading
import time
from collections import OrderedDict

from flask import Flask, Response, request

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE = 300  # seconds
REMEMBERED = 100_000

log = logging.getLogger("receiver")
app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
work: "queue.Queue[dict]" = queue.Queue()
seen: "OrderedDict[str, None]" = OrderedDict()
lock = threading.Lock()


def is_good(headers, body: bytes) -> bool:
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdecimal()) or abs(time.time() - int(stamp)) > TOLERANCE:
        return False
    digest = hmac.digest(KEY, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256)
    expected = b"v1," + base64.b64encode(digest)
    offered = headers.get("webhook-signature", "").encode().split()
    return any(hmac.compare_digest(expected, one) for one in offered)


def is_new(message_id: str) -> bool:
    with lock:
        if message_id in seen:
            return False
        seen[message_id] = None
        if len(seen) > REMEMBERED:
            seen.popitem(last=False)
        return True


@app.post("/hook")
def hook() -> Response:
    body = request.get_data()
    if not is_good(request.headers, body):
        return Response(status=401)
    if is_new(request.headers["webhook-id"]):
        work.put(json.loads(body))
    return Response(status=204)


def go_on() -> None:
    """What the events are for, after they were answered."""
    latest: dict[str, int] = {}
    while True:
        event = work.get()
        data = event.get("data", {})
        job, number = data.get("job", {}).get("id"), data.get("sequence")
        if job is None or number is None:
            log.info("%s", event.get("type"))
        elif number > latest.get(job, 0):
            latest[job] = number
            log.info("%s %s %s", event.get("type"), job, data["job"].get("state"))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    threading.Thread(target=go_on, daemon=True).start()
    app.run(port=int(os.environ.get("PORT", "3000")), threaded=True)
