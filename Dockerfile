# scalora as `npm install` gives it, without compiler and Python, for a user who is not root (docs/install.md).
#   docker build --tag scalora .
#   docker run --rm --volume "$PWD:/data" --volume scalora:/cache scalora train recipe.yaml
ARG NODE=22

FROM node:${NODE}-bookworm AS build
# pip says where the package index is from which libtorch comes.
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip
WORKDIR /scalora
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund && npm run packages

FROM node:${NODE}-bookworm-slim AS install
WORKDIR /opt/scalora
COPY --from=build /scalora/packages/*.tgz /packed/
# The package `tokenizers` has the libraries of all systems; this image is of one.
RUN npm init --yes > /dev/null \
    && npm install --omit=dev --ignore-scripts --no-audit --no-fund /packed/*.tgz \
    && find node_modules/tokenizers -name "*.node" ! -name "*.linux-*-gnu.node" -delete

FROM node:${NODE}-bookworm-slim
ENV NODE_ENV=production XDG_CACHE_HOME=/cache
COPY --from=install /opt/scalora /opt/scalora
# Models and the cache are in a volume, which may be any user's (`docker run --user`).
RUN ln -s /opt/scalora/node_modules/.bin/scalora /usr/local/bin/scalora \
    && mkdir --mode=1777 /cache \
    && install --directory --owner=node --group=node /data
USER node
WORKDIR /data
VOLUME /cache
ENTRYPOINT ["scalora"]
CMD ["--help"]
