# The inference service with ONNX Runtime's CUDA and TensorRT providers. Not yet run: see docs/operating.md.
# ONNX Runtime 1.22 and later need CUDA 12 and TensorRT 10 on the library path; this base image has both.
FROM nvcr.io/nvidia/tensorrt:25.03-py3
COPY --from=node:24.19.0-bookworm-slim /usr/local/bin/node /usr/local/bin/node
COPY --from=node:24.19.0-bookworm-slim /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s /usr/local/lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && npm install --global pnpm@10.34.8
WORKDIR /app
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY packages packages
COPY services services
# Here the script must run, which pnpm leaves out: it fetches the provider libraries for CUDA 12.
RUN pnpm install --frozen-lockfile --prod --filter "@sightline/inference..." \
  && ONNXRUNTIME_NODE_INSTALL=cuda12 node packages/yolo-nas/node_modules/onnxruntime-node/script/install.js
# For the clips of evaluations, and the place of models that are uploaded.
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/* \
  && mkdir /uploads && chown 1000:1000 /uploads
COPY models models
COPY deploy/docker/healthcheck.mjs ./
# As in packages/stack/src/stack.ts: V8 would let the space for new objects grow further than a service needs.
ENV NODE_OPTIONS=--max-semi-space-size=8
ENV NODE_ENV=production
USER 1000:1000
CMD ["node", "services/inference/src/main.ts"]
