#!/bin/sh
# sh trim.sh <tree made by pnpm deploy>: removes what no process reads, which is two thirds of it.
set -eu
cd "$1"
rm -f README.md pnpm-lock.yaml pnpm-workspace.yaml

# Types, maps of others' code, documents, tests. Maps of our own stay: with NODE_OPTIONS=--enable-source-maps they name our lines.
find . -type f \( -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.d.ts.map' -o -name .tsbuildinfo \) -delete
find node_modules/.pnpm -type f \( -name '*.map' -o -name '*.test.js' -o -name '*.tst.ts' \) -not -path '*/@catalogue/*' -delete
find node_modules/.pnpm -type f \( -name '*.md' -o -name '*.markdown' \) -not -iname '*license*' -delete
for name in test tests __tests__ benchmark benchmarks bench example examples .github; do
  rm -rf node_modules/.pnpm/*/node_modules/*/"$name" node_modules/.pnpm/*/node_modules/@*/*/"$name"
done

# The native Kafka client: sources, objects and static libraries of its build, and the symbols of what is loaded.
for client in node_modules/.pnpm/@confluentinc+kafka-javascript@*/node_modules/@confluentinc/kafka-javascript; do
  [ -d "$client" ] || continue
  rm -rf "$client"/deps "$client"/src "$client"/build/Release/obj.target "$client"/build/Release/.deps
  find "$client" -type f \( -name '*.a' -o -name '*.o' -o -name '*.cc' -o -name '*.h' \) -delete
  find "$client"/build -type f \( -name '*.so*' -o -name '*.node' \) -exec strip --strip-unneeded {} +
done
find . -type d -empty -delete
