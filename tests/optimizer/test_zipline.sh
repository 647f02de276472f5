#!/usr/bin/env bash
# test_zipline.sh BIN DATA RUN_MPI : zipline's example algorithms over the bundle of zipline's own tests, as reference.py has
# them and as examples/zipline has them, give the results that zipline's tests expect.
. "$(dirname "$0")/common.sh"
python=${PYTHON:-/usr/bin/python3}
source=$(realpath "$here/../..")
[ -d "$shared/zipline_bundle" ] || { echo "SKIPPED: no zipline_bundle in the folder of shared test data"; exit 77; }
"$python" -c 'import numpy, h5py' 2>err || { echo "SKIPPED: $(tail -n 1 err) (Debian: python3-h5py)"; exit 77; }
if "$bundle" import zipline . x 2>&1 | grep -q 'built without'; then
    echo "SKIPPED: bundle was built without SQLite, Blosc or Jansson"
    exit 77
fi
"$bundle" import zipline "$shared/zipline_bundle" ./zipline.h5 >out 2>err || { cat out err && exit 1; }

# equals A B TOLERANCE : as numbers
equals() {
    awk -v a="$1" -v b="$2" -v tolerance="$3" 'BEGIN { d = a - b; exit !(a != "" && d <= tolerance && d >= -tolerance) }'
}

# results FILE VALUE SHARPE DRAWDOWN FILLS WHAT : a row of total_return, sharpe, max_drawdown and trades is that
results() {
    local total sharpe drawdown fills
    IFS=, read -r total sharpe drawdown fills < <(tail -n 1 "$1" | awk -F, '{ print $(NF-3) "," $(NF-2) "," $(NF-1) "," $NF }')
    equals "$(awk -v r="$total" -v c="$cash" 'BEGIN { printf "%.2f", (1 + r) * c }')" "$2" 0.001 &&
        equals "$sharpe" "$3" 1e-9 && equals "$drawdown" "$4" 1e-9 && [ "$fills" = "$5" ] ||
        fail "$6: expected $2 $3 $4 $5, got $(tail -n 1 "$1")"
    echo "$6: $(tail -n 1 "$1")"
}

# example FILE STRATEGY VALUE SHARPE DRAWDOWN FILLS OPTIONS... : of reference.py, and of FILE.so
example() {
    local options=("${@:7}" --cash "$cash" --fill close --slippage volume --dividends none --first-return
        --metrics 'total_return,sharpe,max_drawdown,trades')
    "$python" "$here/reference.py" zipline.h5 "$2" "${options[@]}" --out python.csv 2>err || fail "reference.py $2"
    results python.csv "${@:3:4}" "$2 in Python"
    [ -e "$1.so" ] || return
    rm -f c.csv
    alone --bundle ./zipline.h5 --strategy "./$1.so" "${options[@]}" --no-journal --out c.csv
    results c.csv "${@:3:4}" "$1.c"
    # to the last bits, by the same rules
    paste -d, <(tail -n 1 python.csv | awk -F, '{ print $(NF-3) "," $(NF-2) "," $(NF-1) }') \
        <(tail -n 1 c.csv | awk -F, '{ print $(NF-3) "," $(NF-2) "," $(NF-1) }') |
        awk -F, '{ for (i = 1; i <= 3; i++) { e = $i / $(i + 3) - 1; if (!(e <= 1e-11 && e >= -1e-11)) exit 1 } }' ||
        fail "$1.c and reference.py differ: $(tail -q -n 1 python.csv c.csv | tr '\n' ' ')"
    alone --bundle ./zipline.h5 --strategy "./$1.so" "${options[@]}" --check-lookahead
}

# as an outsider builds them: the header, and nothing else of this project
cc=${CC:-cc}
if command -v "$cc" >/dev/null && command -v make >/dev/null; then
    mkdir -p include && cp -r "$source/include/bundlepool" include
    cp "$source"/examples/zipline/*.c "$source/examples/zipline/Makefile" .
    make -s CC="$cc" PREFIX=. CFLAGS='-O2 -Wall -Wextra -Werror' >out 2>err || fail 'make in examples/zipline'
else
    echo "not tried: the examples in C, for want of a compiler or make"
fi

costs=(--commission '0.0075/share,min=1')
cash=10000000
# the two that zipline's tests are known to expect so
example buyapple buyapple 10228181.07 2.2876436326385345 0.005753117287174213 210 \
    "${costs[@]}" --start 2014-01-02 --end 2014-10-31
example buy_and_hold zipline_buy_and_hold 10032855.90 0.640852719395256 0.001960253258540121 2 \
    "${costs[@]}" --start 2008-01-02 --end 2012-12-31
# others of its examples, computed once with the rules of its blotter, slippage and commission
example dual_moving_average dual_moving_average 9996406.00 -0.15939576709928 0.00192253397749 1 \
    "${costs[@]}" --start 2011-01-01 --end 2013-01-01
example dual_ema dual_ema_talib 10016798.20 1.96137020307553 0.00044687650895 7 \
    "${costs[@]}" --start 2014-01-01 --end 2014-11-01
cash=100000
example momentum_pipeline momentum_pipeline 85026.32 -6.10217268281552 0.16136950910217 226 \
    "${costs[@]}" --start 2013-10-07 --end 2013-11-30 --short --max-leverage none --delisted-after never

finish
