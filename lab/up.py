#!/usr/bin/env python3
"""`make lab`: the shop and Quell side by side on this machine, without containers and without a Wazuh manager.

    lab/up.py [--port N] [--quell-port N] [--data DIR] [--fresh] [--quell FILE] [--ruleset DIR]...

Starts the shop (`lab/run.py`), writes Quell's configuration into the data folder, runs `quell run` on the shop's logs, says
where everything is, and stops both on Ctrl-C, or when one of them ends. Exit codes: 0 stopped by a signal, 3 something did
not start or ended by itself.
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

LAB = Path(__file__).resolve().parent
ROOT = LAB.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")

# The shop may have to install Django first.
SHOP_SECONDS_MAX = 300
QUELL_SECONDS_MAX = 30

# Quell drains before it ends; a model call may be under way.
STOP_SECONDS_MAX = 20


class Stop(Exception):
    """A signal asked for the end."""


def main() -> int:
    options = read_options()
    if not os.access(options.quell, os.X_OK):
        print(f"lab: there is no program `{options.quell}`\nhint: cargo build --release -p quell, or --quell FILE", file=sys.stderr)
        return 3
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    running: list[tuple[str, subprocess.Popen]] = []
    try:
        address = start_shop(options, running)
        config = write_config(options)
        start_quell(options, config, running)
        tell(options, address, config)
        while True:
            for name, process in running:
                if process.poll() is not None:
                    print(f"lab: {name} ended by itself with code {process.returncode}, see {options.data}", file=sys.stderr)
                    return 3
            time.sleep(0.5)
    except Stop:
        print("\nlab: stopping", flush=True)
        return 0
    except (OSError, RuntimeError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 3
    finally:
        end(running)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000, help="the shop's port, 0 takes a free one (default: 8000)")
    parser.add_argument("--quell-port", type=int, default=9481, help="the port of Quell's own pages (default: 9481)")
    parser.add_argument("--data", type=Path, default=LAB / "data", help="logs, database and Quell's store (default: lab/data)")
    parser.add_argument("--fresh", action="store_true", help="forget logs, goods and incidents of earlier runs")
    parser.add_argument("--quell", type=Path, default=TARGET / "release" / "quell", help="(default: target/release/quell)")
    parser.add_argument("--ruleset", type=Path, action="append", help="rules to use, may be repeated (default: rules)")
    options = parser.parse_args()
    options.data = options.data.resolve()
    options.quell = options.quell.resolve()
    options.ruleset = [path.resolve() for path in options.ruleset or [ROOT / "rules"]]
    return options


def start_shop(options: argparse.Namespace, running: list) -> str:
    """Starts the shop and gives its address once it answers."""
    ready = options.data / "shop.address"
    ready.unlink(missing_ok=True)
    if options.fresh:
        # Quell's place in the logs goes with the logs.
        shutil.rmtree(options.data / "quell", ignore_errors=True)
    command = [sys.executable, str(LAB / "run.py"), "--port", str(options.port), "--data", str(options.data), "--ready-file", str(ready)]
    process = subprocess.Popen(command + ["--fresh"] * options.fresh, stdout=subprocess.DEVNULL, start_new_session=True)
    running.append(("the shop", process))
    wait("the shop", process, ready.exists, SHOP_SECONDS_MAX)
    return ready.read_text(encoding="ascii").strip()


def write_config(options: argparse.Namespace) -> Path:
    """Fills in what `lab/quell.toml` leaves open. JSON's way to write a text is one of TOML's."""
    text = (LAB / "quell.toml").read_text(encoding="utf-8")
    settings = [line for line in text.splitlines() if not line.startswith("#")]
    filled = "\n".join(settings)
    filled = filled.replace("DATA", json.dumps(str(options.data))[1:-1]).replace("PORT", str(options.quell_port))
    filled = filled.replace("RULESET", ", ".join(json.dumps(str(path)) for path in options.ruleset))
    (options.data / "quell").mkdir(mode=0o700, exist_ok=True)
    config = options.data / "quell.toml"
    config.write_text(f"# Written by `make lab` from lab/quell.toml; changes belong there.\n{filled}\n", encoding="utf-8")
    return config


def start_quell(options: argparse.Namespace, config: Path, running: list) -> None:
    """Starts Quell on the logs and waits until it says that it is ready."""
    command = [str(options.quell), "run", "--config", str(config)]
    with open(options.data / "quell.log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    running.append(("Quell", process))

    def is_ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{options.quell_port}/readyz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    try:
        wait("Quell", process, is_ready, QUELL_SECONDS_MAX)
    except RuntimeError as error:
        last = (options.data / "quell.log").read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        raise RuntimeError("\n  ".join([str(error), *last])) from None


def wait(name: str, process: subprocess.Popen, is_ready, seconds: float) -> None:
    """Waits until it is ready. Raises when it ends before, or takes too long."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if process.poll() is not None:
            raise RuntimeError(f"{name} did not start (code {process.returncode})")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not answer within {seconds} seconds")
        time.sleep(0.1)
    # Another program on the same port would answer too.
    if process.poll() is not None:
        raise RuntimeError(f"{name} did not start (code {process.returncode})")


def tell(options: argparse.Namespace, address: str, config: Path) -> None:
    """Says where everything is."""
    quell = f"{shlex.quote(str(options.quell))} %s -c {shlex.quote(str(config))}"
    print(
        f"shop          {address}/   (vulnerable on purpose, this machine only)\n"
        f"logs          {options.data}/access.log, security.log; Quell's own in quell.log\n"
        "Quell, from another terminal:\n"
        # A page in the browser, once there is one, stands here with its address.
        f"console       {quell % 'top'}\n"
        "              (live: arrows and Enter open an incident, ? helps, q leaves)\n"
        f"incidents     {quell % 'incidents'} list\n"
        f"one of them   {quell % 'incidents'} show ID\n"
        f"how it stands {quell % 'status'}\n"
        f"for machines  http://127.0.0.1:{options.quell_port}/metrics, /healthz, /readyz\n"
        "Ctrl-C stops both.",
        flush=True,
    )


def end(running: list) -> None:
    """Ends Quell before the shop, so that it still reads what the shop wrote last."""
    for name, process in reversed(running):
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            print(f"lab: {name} did not end, killing it", file=sys.stderr)
            process.kill()
            process.wait()


def stop(number, frame) -> None:
    # A second Ctrl-C must not cut the end short.
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(other, signal.SIG_IGN)
    raise Stop


if __name__ == "__main__":
    sys.exit(main())
