# syntax=docker/dockerfile:1
#
# Two images from one build:
#   docker build -t odecast .                        every role, on the CPU
#   docker build -t odecast-gpu --target gpu .       for `odecast train` on an NVIDIA GPU
# Configuration is mounted, data lives on the volume: docs/operations.md.

ARG NODE_VERSION=24.21.0

# --- build: compile, then keep only what production needs -----------------------------------------------------------
FROM node:${NODE_VERSION}-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package that is needed runs a script of its own: native parts come prebuilt inside the packages.
RUN npm ci --ignore-scripts
COPY . .
# The kernels too: as WebAssembly, and natively by this stage's gcc, for every vector width; the CPU's is chosen at start.
RUN npm run build && npm prune --omit=dev --ignore-scripts

# --- the same with TensorFlow's CUDA build, which its package fetches while it installs ------------------------------
FROM build AS build-gpu
ARG TFJS_VERSION=4.22.0
RUN npm install --no-save --omit=dev "@tensorflow/tfjs-node-gpu@${TFJS_VERSION}"

# --- gpu: libtensorflow 2.9.1 is built for CUDA 11 and cuDNN 8 -------------------------------------------------------
FROM nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04 AS gpu
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node \
    && install --directory --owner=node --group=node /var/lib/odecast
COPY --from=build /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=build-gpu /app/package.json ./
COPY --from=build-gpu /app/node_modules ./node_modules
COPY --from=build-gpu /app/dist ./dist
COPY --from=build-gpu /app/examples ./examples
ENV NODE_ENV=production ODECAST_DATA=/var/lib/odecast
VOLUME /var/lib/odecast
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ODECAST_PORT ?? 8080}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["train"]

# --- runtime: the default --------------------------------------------------------------------------------------------
FROM node:${NODE_VERSION}-bookworm-slim AS runtime
RUN install --directory --owner=node --group=node /var/lib/odecast
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/examples ./examples
ENV NODE_ENV=production ODECAST_DATA=/var/lib/odecast
VOLUME /var/lib/odecast
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ODECAST_PORT ?? 8080}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["start"]
