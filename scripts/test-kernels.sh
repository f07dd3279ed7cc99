#!/usr/bin/env bash
# Runs the tests of the fused engine on every build of its kernels: native by gcc and by clang, at each width that this CPU
# has; WebAssembly with plain SIMD; on the second Node (one that has relaxed SIMD, from 22 on) relaxed, plain and native.
# Usage: bash scripts/test-kernels.sh [REPORTS [NODE_BIN]]
#   REPORTS   a folder for vitest's JSON reports
#   NODE_BIN  the folder of the second Node's binary; without it, what needs it is left out
set -euo pipefail
cd "$(dirname "$0")/.."

reports=$(mkdir -p "${1:-dist/kernels-reports}" && cd "${1:-dist/kernels-reports}" && pwd)
second_node=${2:-}
failed=0

# suite NAME VARIABLE=VALUE…: the tests under this environment. The kernels are brought up to date for it first.
suite() {
  local name=$1 began=$SECONDS
  shift
  printf '\n--- fused engine: %s\n' "$name"
  env "$@" npx vitest run test/model/engine/fused \
    --reporter=dot --reporter=json --outputFile.json="$reports/${name// /-}.json" || failed=1
  printf -- '--- %s: %d s\n' "$name" $((SECONDS - began))
}

# Left out here; a fault where everything has to be tested.
missing() {
  echo "left out: $1"
  if [ -n "${CI:-}" ]; then failed=1; fi
}

widths() {
  node -p 'require(`./dist/kernels/kernels-${process.platform}-${process.arch}.node`).builds.map(({ name }) => name).join(" ")'
}

for compiler in gcc clang; do
  if ! command -v "$compiler" >/dev/null; then
    missing "native kernels by $compiler, which is not installed"
    continue
  fi
  CC=$compiler npx tsx scripts/build-kernels.ts native || { failed=1 && continue; }
  for width in $(widths); do suite "$width by $compiler" CC="$compiler" ODECAST_KERNELS="native-$width"; done
done

suite 'wasm plain' ODECAST_KERNELS=wasm-plain

if [ -n "$second_node" ]; then
  for kernels in wasm-relaxed wasm-plain native; do
    suite "$kernels on the second Node" PATH="$second_node:$PATH" ODECAST_KERNELS="$kernels"
  done
else
  missing 'the second Node'
fi

exit "$failed"
