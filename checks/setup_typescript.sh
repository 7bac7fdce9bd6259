#!/bin/sh
# Installs what type-checks TypeScript, as its lock file names it. Node, and npm with it, come from the machine or from a wheel.
set -eu

node=$(.venv/bin/python -c 'from tasker_ffi_bridge.node import find_node; print(find_node())')
npm="$(dirname "$(readlink -f "$node")")/../lib/node_modules/npm/bin/npm-cli.js"
cd ffi_bridge/typescript
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    if [ -e "$npm" ]; then "$node" "$npm" ci --silent --no-audit --no-fund; else npm ci --silent --no-audit --no-fund; fi
    touch node_modules/.package-lock.json
fi
