#!/bin/sh
# Makes .venv with everything that uv.lock names. Needs Python 3.11 or newer and a package index, nothing else.
set -eu

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Tasker needs Python 3.11 or newer; '$python' is not. Name one: make PYTHON=python3.11 ..." >&2
    exit 1
fi
if [ ! -x .venv/bin/python ]; then
    "$python" -m venv .venv || {
        echo "Python's venv module is not whole here. On Debian: apt-get install python3-venv" >&2
        exit 1
    }
fi
if [ ! -x .venv/bin/uv ]; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
fi
# uv itself is not in the lock, so it must not be swept out.
UV_PROJECT_ENVIRONMENT=.venv .venv/bin/uv sync --quiet --group benchmarks --frozen --inexact --python .venv/bin/python
