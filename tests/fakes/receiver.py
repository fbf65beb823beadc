"""The far end of messages: a server that keeps each webhook, and can refuse them or take its time."""

import hashlib
import hmac
import json
import threading
from base64 import b64decode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver:
    """What came, in its order: headers and body of each POST that was accepted."""

    def __init__(self):
        self.accepted = []
        self.status = 200
        self.came = threading.Event()  # something is being sent
        self.may_answer = threading.Event()
        self.may_answer.set()

    def ids(self):
        return [headers["webhook-id"] for headers, _ in self.accepted]

    def notices(self):
        return [notice for _, body in self.accepted for notice in json.loads(body)["data"]["notices"]]

    def take(self, headers, body):
        self.came.set()
        self.may_answer.wait()
        if self.status == 200:
            self.accepted.append((headers, body))
        return self.status


def is_signed(headers, body):
    """Whether the signature is right, as a receiver checks it."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256)
    return hmac.compare_digest(b64decode(headers["webhook-signature"].removeprefix("v1,")), digest)


@contextmanager
def receiving():
    """A receiver and its address."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver, f"http://127.0.0.1:{server.server_address[1]}/hook/s3cr3t-path"
        finally:
            receiver.may_answer.set()
            server.shutdown()
            thread.join()
