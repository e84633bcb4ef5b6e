#!/usr/bin/env bash
# Creates the data folder of a new broker, with a user for each file in /secrets/users, and starts the broker.
set -euo pipefail
java=(java -Dlog4j2.configurationFile=/etc/catalogue/log4j2.properties -cp '/opt/kafka/libs/*')
config=/etc/catalogue/kafka/server.properties

# Passwords reach Java by a file of arguments: a command line is shown to every process.
arguments=$(mktemp)
trap 'rm -f "$arguments"' EXIT
echo "kafka.tools.StorageTool format --ignore-formatted --cluster-id $CLUSTER_ID --config $config" >"$arguments"
for file in /secrets/users/*; do
  echo "--add-scram SCRAM-SHA-512=[name=$(basename "$file"),password=$(<"$file")]" >>"$arguments"
done
# Its output shows what the broker stores of each password.
"${java[@]}" -XX:TieredStopAtLevel=1 "@$arguments" >/dev/null
rm -f "$arguments"
# Without quotes: several options.
# shellcheck disable=SC2086
exec "${java[@]}" $KAFKA_HEAP_OPTS kafka.Kafka "$config"
