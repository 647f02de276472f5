#!/usr/bin/env bash
# test_grid.sh BIN SHARED_DATA RUN_MPI : which combinations a command line means, from outside: numbers as they
# were typed, lists from files, each value once.
. "$(dirname "$0")/common.sh"

"$bundle" demo demo --assets 6 --days 200 >out 2>err || { fail 'bundle demo'; exit 1; }
reversion=(--bundle demo --strategy mean_reversion --no-journal --top 1)

column() { # N FILE : of the rows of a file of results, on one line
    cut -d, -f"$1" "$2" | tail -n +2 | paste -sd' '
}
expect_column() { # N FILE TEXT
    [ "$(column "$1" "$2")" = "$3" ] || fail "column $1 of $2 is '$(column "$1" "$2")', expected '$3'"
}

alone "${reversion[@]}" --param entry=0.1:0.5:0.1 --param exit=-900 --out range.csv
expect_column 4 range.csv '0.1 0.2 0.3 0.4 0.5'
alone "${reversion[@]}" --param entry=0.1,0.2,0.3,0.4,0.5 --param exit=-900 --out list.csv
cmp range.csv list.csv || fail 'a range is not the list that one would type'
alone "${reversion[@]}" --param entry=0.5:0.1:-0.1 --param exit=-900 --out down.csv
expect_column 4 down.csv '0.5 0.4 0.3 0.2 0.1'
cmp <(cut -d, -f3- range.csv | sort) <(cut -d, -f3- down.csv | sort) || fail 'counting down gives other values'
alone "${reversion[@]}" --param entry=log:1e-3:10:5 --param exit=-900 --out log.csv
expect_column 4 log.csv '0.001 0.01 0.1 1 10'
alone "${reversion[@]}" --param entry=2,1,2.0,1e0 --param exit=-900 --out once.csv
expect_column 4 once.csv '2 1'
expect out '^combinations: 2 done, 0 skipped, 0 failed$' 'a value that is given twice'

printf '0.1\r\n0.2,0.3 # of last year\n\n0.4\n0.5\n0.1\n' >entries.txt
good 2 "${reversion[@]}" --param entry=@entries.txt --param exit=-900 --out file.csv
cmp range.csv file.csv || fail 'a list from a file is another one'
echo half >>entries.txt
bad 2 "--param entry: entries.txt:7: 'half' is not a number" "${reversion[@]}" --param entry=@entries.txt
bad 1 '--param entry: nonesuch.txt cannot be read: No such file' "${reversion[@]}" --param entry=@nonesuch.txt
bad 2 'a step below 0 would count down' "${reversion[@]}" --param entry=5:1
bad 2 'write log:FROM:TO:N' "${reversion[@]}" --param entry=log:0:1:5

# Each rank reads the file for itself
for rank in 0 1 2; do echo "0.$rank" >ranks.$rank; done
cat >each_its_own <<EOF
#!/bin/sh
exec "$optimizer" "\$@" --param entry=@ranks.\$OMPI_COMM_WORLD_RANK
EOF
chmod +x each_its_own
optimizer=$work/each_its_own
bad_ranks 3 1 'the ranks have read different values' "${reversion[@]}"

finish
