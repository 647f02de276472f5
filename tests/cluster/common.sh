# shellcheck shell=bash disable=SC2034 # used by those who source this
# common.sh, sourced by the scripts of this folder: names that the head, the hosts and the commands agree on.
#
#   machine                     whoever calls with_hosts.sh
#   +- head                     one set of namespaces; COMMAND and mpirun run here          (head.sh is its PID 1)
#      +- bridge br0            10.77.0.254
#      +- h1 .. hN              one set of namespaces each, eth0 = 10.77.0.K on the bridge  (host.sh is its PID 1)
#
# A PID namespace ends with its PID 1: the kernel kills what is left in it, drops its mounts and deletes its links.
# So nothing is ever cleaned up by hand, and nothing can be forgotten.

cluster_net=10.77.0
cluster_state=/tmp/.cluster # in the head's own /tmp: the hosts do not see it
cluster_shared=$cluster_state/shared # but this folder of it they do; it goes with the head
cluster_namespaces=(--net --uts --mount --ipc --pid)

# own_tmp FOLDER... : a new /tmp for this mount namespace, in which only these folders of the old one are visible.
# Built at /dev/shm, a mount point that every Linux has; own_shm then covers that.
own_tmp() {
    local folder
    mount -t tmpfs -o "mode=1777,nosuid,nodev,size=$CLUSTER_TMP_SIZE" tmp /dev/shm || return 1
    for folder in "$@"; do
        case $folder in
        /tmp/*) mkdir -p "/dev/shm/${folder#/tmp/}" && mount --rbind "$folder" "/dev/shm/${folder#/tmp/}" || return 1 ;;
        esac
    done
    mount --rbind /dev/shm /tmp && umount --lazy /dev/shm
}

own_shm() {
    mount -t tmpfs -o "mode=1777,nosuid,nodev,size=$CLUSTER_SHM_SIZE" shm /dev/shm
}

# host_pid hK : the PID of a host's PID 1 as the head sees it; fails if the host is unknown or dead
host_pid() {
    local pid
    read -r pid 2>/dev/null <"$cluster_state/$1.pid" && kill -0 "$pid" 2>/dev/null && echo "$pid"
}

gone() { # PID ; a zombie PID 1 has outlived everything in its namespace, and only waits for its parent's notice
    [ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
} 2>/dev/null

# kill_all PID : SIGKILL everything in the namespace of which PID is the PID 1, and return when it is gone. The unshare
# that watches PID is killed and --kill-child does the rest: an unshare that lives complains about its child's death.
kill_all() {
    local tries
    kill -KILL "$(sed -n 's/^PPid:\t*//p' "/proc/$1/status")" || return 1
    for ((tries = 0; tries < 1000; tries++)); do
        gone "$1" && return 0
        sleep 0.01
    done
    return 1
}
