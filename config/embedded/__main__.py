"""`python -m config.embedded start | stop | status | reset --yes | run -- COMMAND …`."""

import argparse
import os
import signal
import subprocess
import sys

from config.embedded.errors import EmbeddedError
from config.embedded.server import Server

NOT_RUNNING = 3  # what `service … status` and `pg_ctl status` answer


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("start", help="start the server and leave it running")
    commands.add_parser("stop", help="stop the server")
    commands.add_parser("status", help="say whether it runs and where its files are")
    reset = commands.add_parser("reset", help="stop the server and delete all its data")
    reset.add_argument("--yes", action="store_true", required=True, help="yes, delete it")
    run = commands.add_parser("run", help="run a command while the server runs")
    run.add_argument("argv", nargs="+", metavar="COMMAND")
    options = parser.parse_args(arguments)
    server = Server()
    match options.command:
        case "start":
            print("started" if server.start() else "runs already")
        case "stop":
            print("stopped" if server.stop() else "was not running")
        case "reset":
            server.remove()
            print(f"removed {server.place.data}")
        case "run":
            return _run(server, options.argv)
        case _:
            return _status(server)
    return 0


def _status(server: Server) -> int:
    state = "running" if server.is_alive() and server.is_ready() else "not running"
    made_by = server.place.made_by()
    print(f"{server.place.cluster}: {state}")
    print(f"data    {server.place.data} ({f'PostgreSQL {made_by}' if made_by else 'none yet'})")
    print(f"socket  {server.place.socket_dir}")
    print(f"log     {server.place.log}")
    return 0 if state == "running" else NOT_RUNNING


def _run(server: Server, argv: list[str]) -> int:
    """Run the command and answer with its exit status (128 + n when signal n ended it)."""
    environment = os.environ | {"YITONG_EMBEDDED": server.place.cluster}
    with server.running():
        child = subprocess.Popen(argv, env=environment)
        # Ctrl-C reaches the command as well; it decides when it is done.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (EmbeddedError, OSError) as error:
        sys.exit(f"embedded database: {error}")
