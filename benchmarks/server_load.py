"""How long a server of photographs lets its clients wait, and whether it loses an answer.

    python benchmarks/server_load.py "http://localhost:8000/?box=88,87,181,179" holiday.jpg

Each client sends the photograph again as soon as it has its answer. Failed requests are repeated: a
request that is not answered within a minute, or whose answer differs from the first, is lost.
"""

import argparse
import http.client
import json
import sys
import threading
import time
import urllib.parse
from pathlib import Path

# In seconds.
PATIENCE = 60
PAUSE = 0.2


class Client(threading.Thread):
    """Asks until it is told to stop, and writes down how long each answer took."""

    def __init__(self, url, body, expected, stopped):
        super().__init__(daemon=True)
        self.url, self.body, self.expected, self.stopped = url, body, expected, stopped
        self.connection = None
        self.seconds, self.retries, self.lost = [], 0, 0

    def run(self):
        while not self.stopped.is_set():
            began = time.monotonic()
            while (answer := self.ask()) is None and time.monotonic() - began < PATIENCE:
                self.retries += 1
                time.sleep(PAUSE)
            self.seconds.append(time.monotonic() - began)
            self.lost += not same(answer, self.expected)

    def ask(self):
        """Returns the answer; None if there is none, or the server says that it has failed."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.url.netloc, timeout=PATIENCE)
            self.connection.request("POST", f"{self.url.path or '/'}?{self.url.query}", self.body)
            response = self.connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            return None
        try:
            return None if response.status >= 500 else json.loads(content)
        except ValueError:  # what a server says that has started and not yet loaded its model
            return None


def same(answer, expected):
    """Says whether landmarks are those expected, within what batches of another size round."""
    if not answer or answer["status"] != 0:
        return False
    pairs = zip(answer["landmarks"], expected["landmarks"], strict=True)
    return all(abs(a - b) < 0.01 for p, q in pairs for a, b in zip(p, q, strict=True))


def measured(url, body, expected, clients, seconds):
    """Returns the clients after that many seconds."""
    stopped = threading.Event()
    threads = [Client(url, body, expected, stopped) for _ in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stopped.set()
    for thread in threads:
        thread.join()
    return threads


def main(arguments=None):
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="where the photograph is sent, with its box")
    parser.add_argument("photograph", type=Path)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--seconds", type=float, default=10, help="for each number of clients")
    options = parser.parse_args(arguments)
    url, body = urllib.parse.urlsplit(options.url), options.photograph.read_bytes()
    expected = Client(url, body, None, None).ask()
    if not expected or expected["status"] != 0:
        sys.exit(f"Expected an answer of {options.url}, received {expected}.")
    print("| clients | answers | a second | p50, ms | p99, ms | sent again | lost |")
    print("|---|---|---|---|---|---|---|")
    lost = 0
    for clients in options.clients:
        began = time.monotonic()
        threads = measured(url, body, expected, clients, options.seconds)
        rate = sum(len(thread.seconds) for thread in threads) / (time.monotonic() - began)
        waits = sorted(wait for thread in threads for wait in thread.seconds)
        p50, p99 = (1e3 * waits[int(share * (len(waits) - 1))] for share in (0.5, 0.99))
        again, wrong = (sum(getattr(t, n) for t in threads) for n in ("retries", "lost"))
        row = (clients, len(waits), f"{rate:.1f}", f"{p50:.0f}", f"{p99:.0f}", again, wrong)
        print(f"| {' | '.join(map(str, row))} |", flush=True)
        lost += wrong
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
