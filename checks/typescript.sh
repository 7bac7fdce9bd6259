#!/bin/sh
# Type-checks the TypeScript library, its tests, and all examples.
set -eu

sh checks/setup_typescript.sh
node=$(.venv/bin/python -c 'from tasker_ffi_bridge.node import find_node; print(find_node())')
cd ffi_bridge/typescript
rm -rf build
mkdir -p build/readme
awk '/^```ts file=/ { file = "build/readme/" substr($2, 6); next } /^```$/ { file = "" } file { print > file }' README.md
"$node" node_modules/typescript/bin/tsc --noEmit
echo "typescript: in order"
