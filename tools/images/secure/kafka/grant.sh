#!/usr/bin/env bash
# Grants what acls.txt lists, unless the broker knows all of it: Java's start takes most of each command, so few are run.
set -euo pipefail
rules=/etc/catalogue/kafka/acls.txt
acls=(java -XX:TieredStopAtLevel=1
  -Dlog4j2.configurationFile=/etc/catalogue/log4j2.properties -cp '/opt/kafka/libs/*'
  org.apache.kafka.tools.AclCommand --bootstrap-server kafka:9094 --command-config /etc/catalogue/kafka/admin.properties)

# A line for each right: the resource, how its name is matched, the user and the operation.
wanted() {
  awk '{
    split("", users); split("", operations); split("", resources); match_by = "literal"
    for (i = 2; i < NF; i += 2) {
      if ($i == "--allow-principal") users[$(i + 1)]
      else if ($i == "--operation") operations[$(i + 1)]
      else if ($i == "--resource-pattern-type") match_by = $(i + 1)
      else resources[substr($i, 3) " " $(i + 1)]
    }
    for (r in resources) for (u in users) for (o in operations) print tolower(r " " match_by " " u " " o)
  }' "$rules" | sort
}
known() {
  "${acls[@]}" --list | awk -F '[=,)]' '
    /resourceType=/ { resource = $2 " " $4 " " $6 }
    /permissionType=ALLOW/ { gsub("_", "", $6); print tolower(resource " " $2 " " $6) }' | sort
}
listed=$(known)
[ -n "$(comm -23 <(wanted) <(echo "$listed"))" ] || exit 0
# Two at a time, each with 100 MB: on a busy machine, one after the other took 28 s.
running=()
while read -r -a rule; do
  if [ ${#running[@]} -eq 2 ]; then
    wait "${running[0]}"
    running=("${running[1]}")
  fi
  "${acls[@]}" "${rule[@]}" </dev/null >/dev/null &
  running+=($!)
done <"$rules"
for last in "${running[@]}"; do wait "$last"; done
