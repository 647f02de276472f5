#!/usr/bin/env bash
# test_accounts.sh BIN DATA RUN_MPI [EVERY] : options of the account, with every form of strategy over hostile markets,
# agree with an independent computation written from docs/backtest.md: all metrics to 1e-12, counts exactly. Of the list of
# accounts below every 6th is tried, or every EVERY-th.
. "$(dirname "$0")/common.sh"
. "$here/reference.sh"
all=total_return,cagr,sharpe,sortino,max_drawdown,calmar,trades,win_rate,volatility,profit_factor,average_trade
all=$all,exposure,turnover,longest_drawdown,tail_ratio,skew,kurtosis,costs_paid
count=0

# compared FILE.h5 STRATEGY OPTIONS... : all metrics, without a launcher; combinations may fail, if they do in both
compared() {
    local rc=0
    rm -f c.csv
    timeout 120 "$optimizer" --bundle "./$1" --strategy "${@:2}" --metrics "$all" --no-journal --out c.csv >out 2>err || rc=$?
    [ -s c.csv ] || { fail "exit code $rc and no results: $*"; return; }
    against_reference c.csv "$@" --metrics "$all"
    count=$((count + 1))
}

"$python" "$here/hostile_markets.py" . || exit 1
"$bundle" demo market --root . --assets 60 --days 700 --seed 11 >/dev/null || exit 1

# a plug-in that does what no sane strategy would: all that an account can be asked for
if command -v "${CC:-cc}" >/dev/null; then
    "${CC:-cc}" -std=c11 -O2 -ffp-contract=off -shared -fPIC -I "$here/../../include" -o noise.so "$here/plugins/noise.c" -lm || exit 1
    noise=(./noise.so:noise_signals ./noise.so:noise_weights ./noise.so:noise_orders)
else
    echo "not tried: strategies by chance, for want of a compiler"
    noise=()
fi

options() { # a line each: an account
    cat <<'LINES'
--fill open
--fill close
--slippage 5bps
--slippage 0.5% --commission 0.05% --fill close
--slippage volume
--slippage volume --fill close
--slippage volume,limit=0.1,impact=0.5 --commission 0.0075/share,min=1
--slippage volume,limit=0.01 --lots fractional --fill close
--commission 0.01/share
--commission 0.0075/share,min=1 --fill close
--commission 1/order
--commission 5bps+0.01/share,min=2+1.5/order --slippage 20bps
--commission 5bps+0.01/share,min=2+1.5/order --slippage volume --lots fractional
--lots fractional --commission 0.02/share,min=3
--max-leverage 2 --commission 0.01/share,min=2
--dividends none
--short
--short --max-leverage 2 --commission 0.01/share,min=2+10bps --slippage 0.1%
--max-leverage none --slippage volume
--short --max-leverage 3 --slippage volume,limit=0.2,impact=0.3 --commission 1/order
--short --max-leverage none --fill close --dividends pay
--expire 1
--expire 3 --slippage volume
--short --lots fractional --dividends reinvest --commission 0.01/share,min=5
--expire 2 --fill close --short --slippage volume
--dividends pay
--dividends reinvest
--dividends reinvest --lots fractional --fill close
--commission 0/share,min=1 --fill close
--max-leverage 1.5 --lots fractional --commission 7bps
--delisted-after never --slippage volume
--first-return
--sessions-per-year 365 --first-return
--start 2019-03-16 --end 2019-10-05 --slippage volume --commission 0.0075/share,min=1
--symbols H0,H1,H2,H3,H4,H5,H6,NEVER --slippage volume
--delisted-after 30
LINES
}

mapfile -t accounts < <(options | awk -v every="${4:-6}" 'NR % every == 0')
[ ${#accounts[@]} -gt 4 ] || fail 'no accounts to try'
for account in "${accounts[@]}"; do
    read -ra account <<<"$account"
    short=0
    [[ " ${account[*]} " = *' --short '* ]] && short=1
    for strategy in "${noise[@]}"; do
        compared hostile.h5 "$strategy" --param seed=1:3 --param short=$short "${account[@]}" --cash 250000
        [[ " ${account[*]} " = *' --symbols '* ]] ||
            compared thin.h5 "$strategy" --param seed=4:6 --param short=$short "${account[@]}" --cash 4000
    done
    for strategy in 'sma_cross --param fast=3,9 --param slow=12' 'momentum --param lookback=10 --param top=2' \
        'mean_reversion --param lookback=8 --param entry=1' 'buy_and_hold' 'rsi --param lookback=6' \
        'inverse_volatility --param lookback=9 --param rebalance=4' 'pairs --param lookback=8 --param side=both'; do
        # shellcheck disable=SC2086
        compared hostile.h5 $strategy "${account[@]}" --cash 40000
    done
done
# what views show: the same numbers, or the positions would not be the same
for file in hostile.h5 thin.h5 market.h5; do
    [ ${#noise[@]} = 0 ] || compared $file ./noise.so:noise_windows --param seed=1:4 --lots fractional --max-leverage none
done
compared market.h5 pairs --param lookback=20 --param side=long,both --short --max-leverage 2 --slippage volume
compared always.h5 sma_cross --param fast=5 --param slow=20,40
echo "$count searches compared"
finish
