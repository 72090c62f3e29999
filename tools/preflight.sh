#!/usr/bin/env bash
# Prints the Python to use, or names all that is missing and what to do next.
set -euo pipefail

missing=()

find_python() {
    # ensurepip is what Debian splits off into python3-venv.
    local probe='import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 13))'
    local candidate
    for candidate in python3.12 python3.11 python3 python; do
        if "$candidate" -c "$probe" >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

python=$(find_python) || missing+=(
    "Python 3.11 or 3.12 with venv (ape can't be installed on 3.13 yet)
      Debian, Ubuntu: sudo apt install python3 python3-venv    macOS: brew install python@3.12")

node_major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
((node_major >= 20)) || missing+=(
    "Node.js 20 or later (found: $(node --version 2>/dev/null || echo none))
      Debian, Ubuntu: sudo apt install nodejs npm    macOS: brew install node")

npm --version >/dev/null 2>&1 || missing+=(
    "npm
      Debian, Ubuntu: sudo apt install npm    macOS: comes with node")

if ((${#missing[@]})); then
    printf 'Causeway needs a few things that are not here yet:\n' >&2
    printf '  - %s\n' "${missing[@]}" >&2
    printf 'Install them, then run the same command again.\n' >&2
    exit 1
fi
echo "$python"
