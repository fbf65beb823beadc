"""A process that uses an embedded server: says its URL, then stays until its input ends, and leaves in order.

`postgres_user.py DIRECTORY [thread | deaf]`: with `thread`, the server is started by a thread that ends at once; with
`deaf`, SIGINT is ignored, as it is in what a shell without job control runs in the background.
"""

import json
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tasks.embedded_postgres.server import EmbeddedPostgres


def main():
    if "deaf" in sys.argv[2:]:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = EmbeddedPostgres(Path(sys.argv[1]))
    if "thread" in sys.argv[2:]:
        starter = threading.Thread(target=server.start)
        starter.start()
        starter.join()
        url = server.url()
    else:
        url = server.start()
    sys.stdout.write(json.dumps({"url": url}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


main()
