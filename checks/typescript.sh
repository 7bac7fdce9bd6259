#!/bin/sh
# Type-checks the TypeScript library, its tests, and all examples. Node, and npm with it, come from the machine or from a wheel.
set -eu

node=$(.venv/bin/python -c 'from tasker_ffi_bridge.node import find_node; print(find_node())')
npm="$(dirname "$(readlink -f "$node")")/../lib/node_modules/npm/bin/npm-cli.js"
cd ffi_bridge/typescript
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    if [ -e "$npm" ]; then "$node" "$npm" ci --silent --no-audit --no-fund; else npm ci --silent --no-audit --no-fund; fi
    touch node_modules/.package-lock.json
fi
rm -rf build
mkdir -p build/readme
awk '/^```ts file=/ { file = "build/readme/" substr($2, 6); next } /^```$/ { file = "" } file { print > file }' README.md
"$node" node_modules/typescript/bin/tsc --noEmit
echo "typescript: in order"
