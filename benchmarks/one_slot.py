"""How long 32 clients wait that all want one slot: `script/bench` against a running demo server.

Prints the milliseconds of the fastest, median and slowest answer of each round, and how many
won. The winner's booking is cancelled again.
"""

import argparse
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import requests

CLIENTS = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    api = f"{options.url}/api/v1"
    person = {"email": "researcher.suzhou@demo.example", "password": "demo"}
    token = requests.post(f"{api}/tokens/", json=person, timeout=30).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    for round_ in range(1, options.rounds + 1):
        body = free_wish(api, headers)
        answers = race(api, headers, body)
        waits = sorted(milliseconds for milliseconds, _ in answers)
        codes = Counter(answer.status_code for _, answer in answers)
        print(
            f"round {round_}: fastest {waits[0]:.0f} ms, median {statistics.median(waits):.0f} ms, "
            f"slowest {waits[-1]:.0f} ms; answers {dict(codes)}"
        )
        for _, answer in answers:
            if answer.status_code == 201:
                reference = answer.json()["reference"]
                requests.post(
                    f"{api}/bookings/{reference}/cancel/", json={}, headers=headers, timeout=30
                )


def free_wish(api: str, headers: dict[str, str]) -> dict[str, str]:
    """An hour on a self-service instrument that nobody has taken, weeks ahead."""
    first = datetime.now(UTC) + timedelta(days=60)  # noqa: TID251  (the benchmark's own clock)
    window = {
        "start": first.isoformat(),
        "end": (first + timedelta(days=30)).isoformat(),
        "minutes": "60",
    }
    free = requests.get(f"{api}/instruments/FDU-003/free/", params=window, timeout=30).json()
    start = datetime.fromisoformat(free["results"][0]["start"])
    return {
        "instrument": "FDU-003",
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
        "project": "SZ-001",
        "programme": "best",
        "purpose": "Benchmark",
    }


def race(
    api: str, headers: dict[str, str], body: dict[str, str]
) -> list[tuple[float, requests.Response]]:
    gate = threading.Barrier(CLIENTS)

    def post(_: int) -> tuple[float, requests.Response]:
        gate.wait()
        began = time.perf_counter()
        answer = requests.post(f"{api}/bookings/", json=body, headers=headers, timeout=60)
        return (time.perf_counter() - began) * 1000, answer

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(post, range(CLIENTS)))


if __name__ == "__main__":
    main()
