"""A process that uses an embedded server: says its URL, then stays until its input ends, and leaves in order.

`pg_user.py DIRECTORY [thread]`: with `thread`, the server is started by a thread that ends at once.
"""

import json
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tasks.store.embedded import EmbeddedPostgres


def main():
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
