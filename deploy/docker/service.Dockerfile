# One image for the CPU services: docker build -f deploy/docker/service.Dockerfile --build-arg SERVICE=ingest .
FROM node:24-bookworm-slim AS packages
RUN npm install --global pnpm@10.34.8
WORKDIR /app
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY packages packages
COPY services services
COPY apps apps
ARG SERVICE
# onnxruntime-node's CPU libraries are in its npm package; its script would fetch the CUDA ones.
ENV ONNXRUNTIME_NODE_INSTALL=skip
RUN pnpm install --frozen-lockfile --prod --filter "@sightline/${SERVICE}..."
# Results serves the web console.
RUN if [ "$SERVICE" = results ]; then \
      pnpm install --frozen-lockfile --filter "@sightline/console..." && pnpm --filter @sightline/console build && \
      rm -rf apps/console/node_modules; fi

FROM node:24-bookworm-slim
ARG SERVICE
RUN if [ "$SERVICE" = ingest ]; then \
      apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*; fi
WORKDIR /app
COPY --from=packages /app /app
COPY models models
ENV NODE_ENV=production SERVICE=${SERVICE}
USER node
CMD ["sh", "-c", "exec node services/$SERVICE/src/main.ts"]
