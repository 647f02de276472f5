#!/bin/bash
# Splits and dividends that prices contradict are told before a search, in its report and in --json; only those of the assets
# and the range that count.
. "$(dirname "$0")/common.sh"
python=${PYTHON:-/usr/bin/python3}
mkdir -p csv/daily
"$python" - <<'PYTHON' || fail "python"
import datetime

for name, split, dividend, level in (("GOOD", 2, 0, 0.5), ("TWICE", 7, 0, 1), ("WRONG", 1, 90, 1)):
    with open("csv/daily/%s.csv" % name, "w") as file:
        print("date,open,high,low,close,volume,dividend,split", file=file)
        for t in range(40):
            price = (50 + t % 3) * (level if t >= 20 else 1)
            print(datetime.date(2020, 1, 1) + datetime.timedelta(t), price, price, price, price, 1000,
                  dividend if t == 20 else 0, split if t == 20 else 1, sep=",", file=file)
PYTHON
"$bin/bundle" ingest csvdir csv mine >log 2>&1 || fail "ingest: $(cat log)"

search() { # ARGUMENTS...: output in $dir/out and $dir/err
    "$bin/optimizer" --bundle mine --strategy buy_and_hold "$@" >out 2>err || fail "optimizer $*: $(cat err)"
}
told="bundle mine: its prices contradict 2 splits or dividends: TWICE 2020-01-21 +[0-9.e+]* %, WRONG 2020-01-21 +[0-9.]* %; results"
search
grep -q "^optimizer: warning: $told" err || fail "no warning: $(cat err)"
grep -q "^doubtful: $told" out || fail "no line in the report: $(cat out)"
search --log-format json
grep -q '"level": *"warning".*prices contradict 2 splits' err || fail "no line of the log: $(cat err)"
json() { "$python" -c 'import json; j = json.load(open("out")); print(eval("'"$1"'"))'; }
search --json
[ "$(json "j['contradicted_events'], j['contradictions'][:17]")" = "(2, 'TWICE 2020-01-21 ')" ] || fail "--json: $(cat out)"
search --json --symbols GOOD
[ "$(json "j['contradicted_events'], 'contradictions' in j")" = "(0, False)" ] || fail "--symbols GOOD: $(cat out)"
grep contradict err && fail "--symbols GOOD: $(cat err)"
search --symbols GOOD,WRONG
grep -q "contradict 1 split or dividend: WRONG" out || fail "one of them: $(cat out)"
search --start 2020-01-21
grep contradict out err && fail "a range that begins on the day of the split"
search --end 2020-01-20
grep contradict out err && fail "a range that ends before the split"
search --start 2020-01-20 --end 2020-01-21
grep -q "contradict 2 splits" out || fail "a range with the split: $(cat out)"
"$bin/optimizer" run --bundle mine --strategy buy_and_hold >out 2>err || fail "optimizer run: $(cat err)"
grep -q "^doubtful: $told" out || fail "run: $(cat out)"
grep -q "^optimizer: warning: $told" err || fail "run: $(cat err)"
"$bin/optimizer" run --bundle mine --strategy buy_and_hold --json >out 2>err || fail "optimizer run --json: $(cat err)"
[ "$(json "j['contradicted_events']")" = 2 ] || fail "run --json: $(cat out)"
exit $failed
