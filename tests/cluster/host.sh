#!/usr/bin/env bash
# host.sh hK : PID 1 of one host, started by head.sh in fresh namespaces. Sets the host up, reports to the head, and
# then only reaps orphans: it lives until it is killed.
set -eu
. "$(dirname "$0")/common.sh"
name=$1
exec {up}<>"$cluster_state/up"
trap 'echo "$name 0" >&"$up"' ERR

read -r pid _ </proc/self/stat # the head's /proc still: our PID as the head sees it
mount -t proc proc /proc
hostname "$name"
IFS=: read -ra share <<<"$CLUSTER_SHARE"
IFS=: read -ra head_only <<<"$CLUSTER_HEAD_ONLY"
own_tmp "${share[@]}"
own_shm
if [ "$name" != h1 ]; then
    for folder in ${head_only[@]+"${head_only[@]}"}; do
        mount -t tmpfs -o ro,size=4k nothing "$folder"
    done
fi
cd /
ip link set lo up

exec {never}<> <(:) # a pipe that stays empty
echo "$name $pid" >&"$up"
trap - ERR
exec {up}<&-
while :; do
    read -r _ <&"$never" || :
done
