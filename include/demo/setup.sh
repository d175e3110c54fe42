#!/usr/bin/env bash
# Makes .venv from the lock: nothing but Python 3.11+ with venv is needed. Does nothing where it is made already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

LOCK=requirements-dev.lock
UV_LOCK=include/demo/uv.lock
UV_VERSION=$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' "$UV_LOCK")
TOOLS=.runtime/tools

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

python_ok() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3 python; do
    if command -v "$candidate" >/dev/null 2>&1 && python_ok "$candidate"; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  fail "no Python 3.11 to 3.14 on PATH; install one, or name it: make setup PYTHON=/path/to/python3.11"
}

find_uv() {
  if uv --version >/dev/null 2>&1; then
    command -v uv
    return
  fi
  if [ ! -x "$TOOLS/bin/uv" ] || [ "$("$TOOLS/bin/uv" --version | cut -d' ' -f2)" != "$UV_VERSION" ]; then
    say "getting uv $UV_VERSION into $TOOLS" >&2
    "$1" -m venv "$TOOLS" >&2 || fail "this Python has no venv module (Debian and Ubuntu: apt install python3-venv)"
    "$TOOLS/bin/python" -m pip install --quiet --disable-pip-version-check \
      --require-hashes -r "$UV_LOCK" >&2
  fi
  printf '%s\n' "$TOOLS/bin/uv"
}

digest() { "$1" -c 'import hashlib, pathlib, sys
print(hashlib.sha256(b"".join(pathlib.Path(p).read_bytes() for p in sys.argv[1:])).hexdigest())' "${@:2}"; }

python=$(find_python)
wanted=$(digest "$python" "$LOCK" pyproject.toml include/demo/setup.sh)
stamp=.venv/.made-from
if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
  say ".venv is up to date"
  exit 0
fi

began=$SECONDS
uv=$(find_uv "$python")
if ! { [ -x .venv/bin/python ] && python_ok .venv/bin/python; }; then
  say "making .venv with $("$python" --version)"
  "$uv" venv --quiet --clear --python "$python" .venv
fi
say "installing $(grep -c '^[A-Za-z0-9]' "$LOCK") pinned packages from $LOCK"
"$uv" pip install --quiet --python .venv/bin/python --require-hashes -r "$LOCK"
say "registering the project, for its connection types and its plugin"
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
printf '%s\n' "$wanted" > "$stamp"
say "done in $((SECONDS - began)) s"
