# One image for the CPU services: docker build -f deploy/docker/service.Dockerfile --build-arg SERVICE=ingest .
ARG NODE_IMAGE=node:24.19.0-bookworm-slim
FROM ${NODE_IMAGE} AS packages
RUN npm install --global pnpm@10.34.8
WORKDIR /app
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml tsconfig.base.json ./
COPY packages packages
COPY services services
COPY apps apps
ARG SERVICE
# pnpm asks nothing. onnxruntime-node's CPU libraries are in its npm package; its script would fetch the CUDA ones.
ENV CI=true ONNXRUNTIME_NODE_INSTALL=skip
# Results serves the web console. What only its build needs goes before the service's own packages come.
RUN if [ "$SERVICE" = results ]; then \
      pnpm install --frozen-lockfile --filter "@sightline/console..." && pnpm --filter @sightline/console build && \
      rm -rf node_modules packages/*/node_modules apps/*/node_modules; fi
RUN pnpm install --frozen-lockfile --prod --filter "{./services/${SERVICE}}..."
# "yes" keeps FFmpeg as a library (170 MB), without which pictures in a camera's own resolution cost an ffmpeg each. It is GPL-3.0 with the FDK AAC
# library in it, so such an image is for one's own use and not to be passed on.
ARG NODE_AV=no
RUN if [ "$NODE_AV" != yes ]; then rm -rf node_modules/.pnpm/node-av@* node_modules/.pnpm/@seydx+node-av-*; fi

FROM ${NODE_IMAGE}
ARG SERVICE
# Inference reads the clips of evaluations with it.
RUN if [ "$SERVICE" = ingest ] || [ "$SERVICE" = inference ]; then \
      apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*; fi
WORKDIR /app
COPY --from=packages /app /app
# Of the user below, also as a new volume.
RUN mkdir /recordings /uploads && chown 1000:1000 /recordings /uploads
COPY models models
COPY deploy/docker/healthcheck.mjs deploy/docker/make-keys.mjs ./
# As in packages/stack/src/stack.ts: V8 would let the space for new objects grow further than a service needs.
ENV NODE_OPTIONS=--max-semi-space-size=8
ENV NODE_ENV=production SERVICE=${SERVICE}
# node, by its number.
USER 1000:1000
CMD ["sh", "-c", "exec node services/$SERVICE/src/main.ts"]
