#!/usr/bin/env python3
"""Starts the lab's honeypot, a small shop that is vulnerable on purpose, on this machine only.

    lab/run.py [--port N] [--data DIR] [--fresh] [--server gunicorn|django] [--ready-file FILE]

It makes the virtual environment when it is missing, a data folder with a seeded shop, and then becomes the server, so that a
signal to it is a signal to the server. Port 0 takes a free one. `--ready-file` gets the shop's address when the shop answers.
Anywhere but on loopback it listens only with `--listen ADDRESS --i-know-it-is-vulnerable`.

Exit codes: 2 usage, 3 the environment (no packages, the port is taken, the data folder can't be written).
"""

import argparse
import fcntl
import ipaddress
import os
import secrets
import shutil
import socket
import subprocess
import sys
from pathlib import Path

LAB = Path(__file__).resolve().parent
HONEYPOT = LAB / "honeypot"
REQUIREMENTS = HONEYPOT / "requirements.txt"

# All that `--fresh` deletes: what the shop makes. Anything else in the folder is somebody's own.
MADE_BY_THE_SHOP = ["access.log", "security.log", "server.log", "shop.sqlite3", "uploads", "root"]


def main() -> None:
    options = read_options()
    python = sys.executable if options.no_venv else str(virtual_environment(options.venv))
    if options.setup_only:
        return
    environment = dict(os.environ, LAB_DATA=str(options.data), LAB_SECRET_KEY=secrets.token_hex(32))
    environment.pop("LAB_DEVELOPMENT", None)
    prepare_data(options, python, environment)
    if options.ready_file:
        options.ready_file.unlink(missing_ok=True)
        environment["LAB_READY_FILE"] = str(options.ready_file)
    os.chdir(HONEYPOT)
    if options.server == "django":
        become_django(options, python, environment)
    become_gunicorn(options, python, environment)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: 8000)")
    parser.add_argument("--data", type=Path, default=LAB / "data", help="where logs and database go (default: lab/data)")
    parser.add_argument("--fresh", action="store_true", help="begin with empty logs and a new database")
    parser.add_argument("--server", choices=["gunicorn", "django"], default="gunicorn")
    parser.add_argument("--ready-file", type=Path, help="is written with the address when the shop answers")
    parser.add_argument("--listen", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument("--i-know-it-is-vulnerable", action="store_true", help="allows an address that is not loopback")
    parser.add_argument("--venv", type=Path, default=LAB.parent / ".venv-lab", help="(default: .venv-lab beside the lab)")
    parser.add_argument("--no-venv", action="store_true", help="use this Python, which has the packages already")
    parser.add_argument("--setup-only", action="store_true", help="make the virtual environment and stop")
    options = parser.parse_args()
    try:
        options.listen = ipaddress.ip_address(options.listen)
    except ValueError:
        parser.error(f"`{options.listen}` is no IP address")
    if not options.listen.is_loopback and not options.i_know_it_is_vulnerable:
        parser.error(
            f"the shop is vulnerable on purpose and would be reachable at {options.listen}\n"
            "hint: leave --listen away, or add --i-know-it-is-vulnerable on a network without a way in"
        )
    if not 0 <= options.port <= 65535:
        parser.error(f"`{options.port}` is no port")
    options.data = options.data.resolve()
    options.ready_file = options.ready_file and options.ready_file.resolve()
    return options


def virtual_environment(folder: Path) -> Path:
    """Makes the environment, or brings it up to date when the requirements changed; gives its Python."""
    python, stamp, wanted = folder / "bin" / "python", folder / "lab-requirements.txt", REQUIREMENTS.read_text()
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lab.lock", "w", encoding="ascii") as lock:
        # Two tests may start at once; one of them installs.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return python
        print(f"lab: installing Django and gunicorn into {folder.name}", file=sys.stderr, flush=True)
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(REQUIREMENTS)],
        ):
            if subprocess.call(command, stdout=sys.stderr) != 0:
                stop("the virtual environment could not be made", "on Debian: sudo apt-get install python3-venv")
        stamp.write_text(wanted)
    return python


def prepare_data(options: argparse.Namespace, python: str, environment: dict[str, str]) -> None:
    """Makes the data folder, and a shop in it where there is none."""
    try:
        options.data.mkdir(parents=True, exist_ok=True)
        if options.fresh:
            for name in MADE_BY_THE_SHOP:
                path = options.data / name
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        for name in ("access.log", "security.log"):
            (options.data / name).touch()
    except OSError as error:
        stop(f"the data folder can't be written: {error}", "name another one with --data")
    for command in (["migrate", "--no-input"], ["seed"]):
        done = subprocess.run([python, "manage.py", *command], cwd=HONEYPOT, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            stop(f"`manage.py {command[0]}` failed:\n{done.stderr[-2000:]}", "try again with --fresh")


def become_gunicorn(options: argparse.Namespace, python: str, environment: dict[str, str]) -> None:
    """Opens the socket here, so that a free port is known and a taken one is a plain error, and hands it on."""
    server = socket.socket(socket.AF_INET6 if options.listen.version == 6 else socket.AF_INET)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((str(options.listen), options.port))
    except OSError as error:
        stop(f"the shop can't listen on {options.listen} port {options.port}: {error}", "--port 0 takes a free port")
    server.listen(512)
    server.set_inheritable(True)
    environment |= {"LAB_BIND": f"fd://{server.fileno()}", "LAB_ADDRESS": address(options.listen, server.getsockname()[1])}
    os.execve(python, [python, "-m", "gunicorn", "--config", "gunicorn.conf.py", "honeypot.wsgi"], environment)


def become_django(options: argparse.Namespace, python: str, environment: dict[str, str]) -> None:
    """Becomes Django's development server. Its lines go to standard error, which is the access log from here on."""
    environment |= {"LAB_DEVELOPMENT": "1", "LAB_ADDRESS": address(options.listen, "PORT"), "PYTHONUNBUFFERED": "1"}
    log = os.open(options.data / "access.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    sys.stdout.flush()
    os.dup2(log, 2)
    os.close(log)
    host = f"[{options.listen}]" if options.listen.version == 6 else str(options.listen)
    os.execve(python, [python, "manage.py", "develop", "--noreload", "--skip-checks", f"{host}:{options.port}"], environment)


def address(listen: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int | str) -> str:
    return f"http://[{listen}]:{port}" if listen.version == 6 else f"http://{listen}:{port}"


def stop(what: str, hint: str) -> None:
    print(f"lab: {what}\nhint: {hint}", file=sys.stderr)
    sys.exit(3)


if __name__ == "__main__":
    main()
