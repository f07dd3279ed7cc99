#!/usr/bin/env bash
# Builds the native binding of @tensorflow/tfjs-node where its own download is blocked: libtensorflow comes out of a
# Python wheel, the addon is built from source. Nothing lands in the project: everything goes into the folder given.
#
#   scripts/native-tfjs.sh FOLDER
#   ODECAST_TFJS_NODE=FOLDER/node_modules/@tensorflow/tfjs-node npm run test:slow
#
# Needs npm, Python 3 with pip, a C++ compiler, make, Node's headers, 232 MB of download and 1.5 GB of disk.
# Prints the package's folder, which is what ODECAST_TFJS_NODE wants, as its last line. Run again, it does nothing.
set -euo pipefail

TFJS_VERSION=4.22.0
# The oldest wheels with libtensorflow_cc have the C API that the binding of 4.22 is written for.
TENSORFLOW_VERSION=2.12.1

folder=${1:?'give a folder to build in, outside the project'}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
package="$folder/node_modules/@tensorflow/tfjs-node"

install_package() {
  [ -f "$folder/package.json" ] || echo '{ "private": true }' > "$folder/package.json"
  # --ignore-scripts: its install script is the download that is blocked.
  npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund "@tensorflow/tfjs-node@$TFJS_VERSION" >&2
}

download_wheel() {
  compgen -G "$folder/wheel/tensorflow_cpu-$TENSORFLOW_VERSION-*.whl" > /dev/null && return
  python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.10 \
    --platform manylinux2014_x86_64 --dest "$folder/wheel" "tensorflow-cpu==$TENSORFLOW_VERSION" >&2
}

# The libraries to deps/lib, the headers of the C API and of what it includes to deps/include.
unpack_wheel() {
  python3 - "$folder"/wheel/tensorflow_cpu-"$TENSORFLOW_VERSION"-*.whl "$package/deps" >&2 <<'PYTHON'
import pathlib, sys, zipfile

libraries = ('tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2')
headers = ('tensorflow/c/', 'tensorflow/core/platform/', 'tensorflow/tsl/', 'tsl/')
root = 'tensorflow/include/'
wheel, deps = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
for name in wheel.namelist():
    if name in libraries:
        target = deps / 'lib' / pathlib.Path(name).name
    elif name.startswith(tuple(root + header for header in headers)) and not name.endswith('/'):
        target = deps / 'include' / name[len(root):]
    else:
        continue
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(wheel.read(name))
PYTHON
  (
    cd "$package/deps/lib"
    ln -sf libtensorflow_cc.so.2 libtensorflow.so
    ln -sf libtensorflow_cc.so.2 libtensorflow.so.2.9.1
    ln -sf libtensorflow_framework.so.2 libtensorflow_framework.so
  )
}

# The prefix under which include/node lies, so that node-gyp fetches nothing.
headers_prefix() {
  local prefix
  for prefix in "${NODE_PREFIX:-}" "$(dirname "$(dirname "$(realpath "$(command -v node)")")")" /usr /usr/local; do
    [ -n "$prefix" ] && [ -f "$prefix/include/node/node_api.h" ] && echo "$prefix" && return
  done
  echo "No Node headers found; set NODE_PREFIX to a folder that holds include/node." >&2
  return 1
}

build_addon() {
  local prefix
  prefix=$(headers_prefix)
  (cd "$package" && npm_config_nodedir="$prefix" npm run --silent build-addon-from-source >&2)
}

if ! compgen -G "$package/lib/napi-v*/tfjs_binding.node" > /dev/null; then
  install_package
  download_wheel
  unpack_wheel
  build_addon
fi
echo "$package"
