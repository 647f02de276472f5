#!/usr/bin/env bash
# test_doctor.sh BIN DATA RUN_MPI : what the doctor says of jobs of one rank and several, with a limit on one rank alone,
# settings that do not fit, and a start that does not; it always ends.
. "$(dirname "$0")/common.sh"
mkdir root
export BUNDLEPOOL_ROOT=$PWD/root
python=${PYTHON:-/usr/bin/python3}

# examine CODE RANKS ARGS... : the doctor ends with CODE
examine() {
    local code=$1 rc=0
    optimizer "$2" doctor "${@:3}" || rc=$?
    [ $rc = "$code" ] || fail "doctor of $2 ranks, ${*:3}: exit code $rc instead of $code"
}
# says HEALTH WHAT TEXT : there is such a line, once
says() { [ "$(grep -cE "^$1 +$2: .*$3" out)" = 1 ] || fail "not one line '$1 $2: ... $3'"; }

# with a launcher and without
"$optimizer" doctor >out 2>err || fail 'without a launcher'
says good job '1 rank on 1 node'
says good MPI 'MPI_THREAD_MULTIPLE'
says good pool 'on each node: half of'
examine 0 4 --ranks-per-node 2
says good job '4 ranks on 2 nodes'
says good network '.'
says good window '/dev/shm'
says good bundles 'whose times'
says good parser 'of this build'
[ "$(cut -d: -f1 out | sort | uniq -d)" = '' ] || fail 'something is told twice'
[ "$(tail -n 1 out | cut -c 1-12)" = 'good  pool: ' ] || fail 'the pool is not the last'

examine 0 2 --json
"$python" - out <<'END' || fail 'JSON'
import json, sys
j = json.load(open(sys.argv[1]))
assert j["program"] == "optimizer doctor" and j["ranks"] == 2 and j["bad"] == 0, j
assert [f["what"] for f in j["findings"]].count("memory") == 1, j
END

# a limit of one rank that is not the first of its node
cat >one_rank <<'END'
#!/usr/bin/env bash
[ "${OMPI_COMM_WORLD_RANK:-}" != 3 ] || ulimit -f 100
exec "$@"
END
chmod +x one_rank
rc=0
timeout 120 "$run" 4 ./one_rank "$optimizer" doctor >out 2>err || rc=$?
[ $rc = 1 ] || fail "a limit of one rank: exit code $rc"
says good 'file size limit' unlimited
says bad 'file size limit' "100.0 KiB.*'ulimit -f'"
says bad pool "'ulimit -f'"

# a node whose administrator's file is another
cat >other_file <<'END'
#!/usr/bin/env bash
[ "${OMPI_COMM_WORLD_RANK:-}" != 1 ] || export BUNDLEPOOL_CONF=$PWD/other.conf
exec "$@"
END
chmod +x other_file
echo 'transfer = stored' >other.conf
rc=0
timeout 120 "$run" 2 ./other_file "$optimizer" doctor >out 2>err || rc=$?
[ $rc = 1 ] || fail "a file of one rank: exit code $rc"
says bad pool 'transfer differs between ranks'

# settings
BUNDLEPOOL_TRANSFER=carrier examine 1 2
says bad settings "BUNDLEPOOL_TRANSFER: 'carrier' is none of"
examine 1 2 --pool-memory 900T
says bad pool 'pool_memory = .* are free for it'
examine 0 2 --enable-bundle-pooling false
says good pool 'turned off'
examine 2 1 --pool-memory 12x
examine 2 1 --pool-memroy 1G
examine 2 1 demo

# Slurm meant another job
SLURM_NTASKS=3 SLURM_JOB_ID=1 examine 1 2
says bad job 'SLURM_NTASKS is 3'
finish
