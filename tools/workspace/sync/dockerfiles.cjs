// An Nx sync generator (CommonJS, because Nx loads it with require): the Dockerfile of each app, from its package.json. It
// copies the packages that the app depends on one by one, so that a change elsewhere keeps the image's cache. Port, malloc's
// variables and V8's flags are those of the target `serve`.
/**
 * @param {{ children(folder: string): string[], exists(path: string): boolean,
 *   read(path: string, encoding: 'utf8'): string, write(path: string, content: string): void }} tree
 */
module.exports = async function dockerfiles(tree) {
  const json = (path) => JSON.parse(tree.read(path, 'utf8'));
  const foldersIn = (parent) =>
    tree
      .children(parent)
      .map((name) => `${parent}/${name}`)
      .filter((folder) => tree.exists(`${folder}/package.json`));
  const packageOf = (folder) => json(`${folder}/package.json`);
  const libraries = new Map(foldersIn('libs').map((folder) => [packageOf(folder).name, folder]));
  const needs = (folder, found = new Set()) => {
    for (const name of Object.keys(packageOf(folder).dependencies ?? {})) {
      const library = libraries.get(name);
      if (library !== undefined && !found.has(library)) needs(library, found.add(library));
    }
    return found;
  };
  const bootstrap = tree.read('tools/bootstrap.mjs', 'utf8');
  const [, node] = /NODE = '(\d+)\./.exec(bootstrap);
  const [, pnpm] = /PNPM = '([\d.]+)'/.exec(bootstrap);

  const outOfSyncDetails = [];
  for (const folder of foldersIn('apps')) {
    const copied = [...needs(folder)].toSorted((one, other) => (one < other ? -1 : 1));
    const wanted = dockerfile(folder, packageOf(folder), copied, { node, pnpm });
    const file = `${folder}/Dockerfile`;
    if (tree.exists(file) && tree.read(file, 'utf8') === wanted) continue;
    tree.write(file, wanted);
    outOfSyncDetails.push(file);
  }
  return { outOfSyncMessage: 'Dockerfiles are not what package.json asks for:', outOfSyncDetails };
};

function dockerfile(folder, { name, description, dependencies, nx }, libraries, { node, pnpm }) {
  const serve = /^PORT=\$\{\w+:-(\d+)\} ((?:MALLOC_\w+=\d+ )*)exec node (.*) --conditions=/.exec(
    nx?.targets?.serve?.command ?? '',
  );
  if (serve === null) throw new Error(`${folder}: "serve" is not "PORT=\${…:-port} exec node flags --conditions=…"`);
  const [, port, malloc, flags] = serve;
  const words = ['node', ...flags.split(' '), 'dist/main.js'].map((word) => `"${word}"`);
  const copied = [...libraries, folder];
  const when = (is, text) => (is ? text : '');
  const usesKafka = libraries.includes('libs/kafka');
  const loaded = Object.hasOwn(dependencies, '@catalogue/projection') ? '@catalogue/projection' : '@catalogue/kafka';
  const page = when(libraries.includes('libs/page'), ' && node --conditions=@catalogue/source libs/page/src/build.ts');
  const native = when(
    usesKafka,
    `# The Kafka client, where its prebuilt binary cannot be downloaded, is compiled against this Node and the system's libraries.
ENV CKJS_LINKING=dynamic npm_config_nodedir=/usr/local
ENV npm_config_node_gyp=/usr/local/lib/node_modules/pnpm/dist/node_modules/node-gyp/bin/node-gyp.js
`,
  );
  const system = when(
    usesKafka,
    `# For a Kafka client that was compiled; a prebuilt one brings its own.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends libssl3 zlib1g && rm -rf /var/lib/apt/lists/*
`,
  );
  const check = when(
    usesKafka,
    `# A library that is missing is found now, not in production.
RUN node --input-type=module --eval "import '${loaded}'"
`,
  );
  return `# Written by \`nx sync\` from package.json and tools/workspace/sync/dockerfiles.cjs: change these.
# docker build -f ${folder}/Dockerfile .      from the root of the workspace; needs BuildKit, as every Docker since 23 has
# What changes least comes first: a change in the source compiles, one in the lockfile installs.

# A release pins both by digest.
ARG BUILD_IMAGE=node:${node}-bookworm
ARG RUNTIME_IMAGE=node:${node}-bookworm-slim

FROM \${BUILD_IMAGE} AS build
RUN npm install --global --ignore-scripts pnpm@${pnpm}
WORKDIR /workspace
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY patches/ patches/
${copied.map((one) => `COPY ${one}/package.json ${one}/`).join('\n')}
${native}RUN --mount=type=cache,id=catalogue-pnpm,target=/pnpm \\
    pnpm install --frozen-lockfile --filter-prod ${name}... --store-dir /pnpm/store --package-import-method copy
COPY tsconfig.base.json tsconfig.build.json ./
COPY tools/images/ tools/images/
${copied.map((one) => `COPY ${one}/ ${one}/`).join('\n')}
RUN node_modules/.bin/tsc --build ${folder}${page}
RUN --mount=type=cache,id=catalogue-pnpm,target=/pnpm \\
    pnpm --filter ${name} --prod --offline deploy /app \\
      --config.inject-workspace-packages=true --store-dir /pnpm/store --package-import-method copy \\
 && sh tools/images/trim.sh /app

FROM \${RUNTIME_IMAGE}
${system}WORKDIR /app
COPY tools/images/healthcheck.mjs /healthcheck.mjs
COPY --from=build /app ./
${check}ENV ${`NODE_ENV=production PORT=${port} ${malloc}`.trim()}
EXPOSE ${port}
# The user \`node\`, by number, so that an orchestrator sees that it is not root. Nothing below /app is its own.
USER 1000:1000
# Alive, not ready: a dependency that is down is no reason to restart. /healthcheck.mjs ready asks for that.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["node", "/healthcheck.mjs"]
# The service is process 1: it ends in order on SIGTERM, within 9 s.
STOPSIGNAL SIGTERM
CMD [${words.slice(0, 4).join(', ')}, \\
     ${words.slice(4).join(', ')}]

# Last, because they change with every commit.
ARG SOURCE=unknown
ARG REVISION=unknown
ARG VERSION=0.0.0
LABEL org.opencontainers.image.title="${folder.slice('apps/'.length)}" \\
      org.opencontainers.image.description="Catalogue: ${description.split(':')[0].replaceAll('→', 'to')}" \\
      org.opencontainers.image.source="$SOURCE" \\
      org.opencontainers.image.revision="$REVISION" \\
      org.opencontainers.image.version="$VERSION"
`;
}
