#!/bin/bash
# bundle verify: each kind of finding in a market made for it, with asset, date and size; nothing where there is nothing;
# thresholds, weights, --strict, --max.
. "$(dirname "$0")/common.sh"
need_python json

# market.py FOLDER: a file per asset, a random walk of 1 % a day over 60 weekdays, with what its name says the matter with it
cat >market.py <<'PYTHON'
import datetime, os, random, sys

folder, what = sys.argv[1], sys.argv[2:]
random.seed(11)
days, day = [], datetime.date(2020, 1, 1)
while len(days) < 60:
    if day.weekday() < 5:
        days.append(day)
    day += datetime.timedelta(1)


def walk(start=100.0):
    rows, price = [], start
    for d in days:
        before, price = price, price * (1 + random.gauss(0, 0.01))
        rows.append({"date": d, "open": before, "high": max(before, price) * 1.002, "low": min(before, price) * 0.998,
                     "close": price, "volume": 1000, "dividend": 0, "split": 1})
    return rows


def scale(rows, factor, first, last=None):
    for row in rows[first:last]:
        for k in ("open", "high", "low", "close"):
            row[k] *= factor


def jump(rows, factor):  # the new level is there when day 30 opens
    scale(rows, factor, 30)
    rows[30]["open"] = rows[29]["close"] * factor
    rows[30]["high"], rows[30]["low"] = max(rows[30]["open"], rows[30]["close"]) * 1.01, min(rows[30]["open"], rows[30]["close"]) * 0.99


assets = {name: walk() for name in what if name != "CRYPTO"}
for name, rows in assets.items():
    if name == "SPLIT7": jump(rows, 1 / 7); rows[30]["split"] = 7          # as it should be
    if name == "SPLIT32": jump(rows, 2 / 3); rows[30]["split"] = 1.5
    if name == "REVERSE": jump(rows, 10); rows[30]["split"] = 0.1
    if name == "ADJUSTED": rows[30]["split"] = 7
    if name == "INVERTED": jump(rows, 1 / 4); rows[30]["split"] = 0.25
    if name == "MISSING2": jump(rows, 1 / 2)
    if name == "MISSING23": jump(rows, 2 / 3)
    if name == "MISSING10": jump(rows, 10)
    if name == "PENCE": jump(rows, 100)
    if name == "MILLS": jump(rows, 1 / 1000)
    if name == "CRASH": jump(rows, 0.55)
    if name == "SPIKE": scale(rows, 1.9, 30, 31)
    if name == "BIGDIV": rows[30]["dividend"] = 30
    if name == "PAIDDIV": jump(rows, 1 - 30 / rows[29]["close"]); rows[30]["dividend"] = 30
    if name == "DIVABOVE": rows[30]["dividend"] = 500
    if name == "SMALLDIV": rows[30]["dividend"] = 1
    if name == "UPSIDE": rows[20]["high"], rows[20]["low"] = rows[20]["low"], rows[20]["high"]
    if name == "OUTSIDE": rows[21]["open"] = rows[21]["high"] * 1.03
    if name == "NOCLOSE": rows[22]["close"] = None
    if name == "NOVOLUME": rows[23]["volume"] = rows[24]["volume"] = 0
    if name == "ALONE":
        for k in ("open", "high", "low", "close"): rows[25][k] = None
    if name == "STALE":
        for row in rows[10:17]: row.update({k: rows[10][k] for k in ("open", "high", "low", "close")})
    if name == "CONSTANT":
        for row in rows: row.update({k: 10 for k in ("open", "high", "low", "close")})
    if name == "HOLES": del rows[40:44]
    if name == "EARLY": del rows[58:]
    if name == "LATE": del rows[:7]
    if name == "SATURDAY": rows.append(dict(rows[-1], date=datetime.date(2020, 2, 1)))
    if name == "HOLIDAY": rows.append(dict(rows[-1], date=datetime.date(2020, 3, 25)))
    if name == "EPOCH": rows.append(dict(rows[0], date=datetime.date(1970, 1, 1)))
    if name.startswith("CLOSED"): rows[:] = [row for row in rows if row["date"] != datetime.date(2020, 2, 17)]
    rows.sort(key=lambda row: row["date"])
if "CRYPTO" in what:
    rows = walk()
    assets["CRYPTO"] = [dict(row, date=days[0] + datetime.timedelta(i)) for i, row in enumerate(rows)]
os.makedirs(folder + "/daily")
for name, rows in assets.items():
    with open("%s/daily/%s.csv" % (folder, name), "w") as file:
        file.write("date,open,high,low,close,volume,dividend,split\n")
        for row in rows:
            file.write(",".join("" if row[k] is None else ("%.4f" % row[k] if isinstance(row[k], float) else str(row[k]))
                                for k in ("date", "open", "high", "low", "close", "volume", "dividend", "split")) + "\n")
PYTHON
made=0
market() { # ASSET...: makes and verifies them
    made=$((made + 1))
    "$python" market.py "csv$made" "$@" || fail "market.py $*"
    run 0 ingest csvdir "csv$made" "market$made"
    run 0 verify "market$made" --json
}
kinds() { field 'sorted((f["kind"], f["symbol"], f["date"]) for f in j["findings"]'"${1:-}"')'; }
one() { # KIND ASSET DATE SIZE: the asset has this finding and no other
    same "$(field '[(f["kind"], f["date"], round(f["size"])) for f in j["findings"] if f["symbol"] == "'"$2"'"]')" \
        "[('$1', $3, $4)]" "findings of $2"
}

# what is in order
market PLAIN SPLIT7 SPLIT32 REVERSE SMALLDIV
same "$(field 'j["ok"], j["findings"], j["warnings"], j["counts"], j["heavy"]')" "(True, [], [], {}, 0)" "a good market"
run 0 verify market1 --strict
case $out in *": good, content_hash "*) ;; *) fail "verify: $out" ;; esac

# one thing the matter with each; day 30 is 2020-02-12
market PLAIN ADJUSTED INVERTED MISSING2 MISSING23 MISSING10 PENCE MILLS CRASH SPIKE BIGDIV PAIDDIV DIVABOVE UPSIDE OUTSIDE \
    NOCLOSE NOVOLUME ALONE STALE CONSTANT HOLES EARLY LATE
same "$(field '[f for f in j["findings"] if f["symbol"] == "PLAIN"]')" "[]" "findings of a good asset"
for finding in "split-contradicted ADJUSTED" "split-inverted INVERTED" "split-missing MISSING2" "split-missing MISSING23" \
    "split-missing MISSING10" "unit-change PENCE" "unit-change MILLS" "jump CRASH" "spike SPIKE" \
    "dividend-contradicted BIGDIV" "dividend-large PAIDDIV" "dividend-beyond-price DIVABOVE"; do
    kind=${finding% *} asset=${finding#* }
    same "$(field '[(f["kind"], f["date"]) for f in j["findings"] if f["symbol"] == "'"$asset"'"]')" \
        "[('$kind', '2020-02-12')]" "findings of $asset"
done
size() { field '[f["size"] for f in j["findings"] if f["symbol"] == "'"$1"'"][0]'; }
near() { "$python" -c "import sys; x, y, d = map(float, sys.argv[1:]); sys.exit(not abs(x - y) <= d * abs(y))" "$2" "$3" "$4" || fail "$1: $2 is not about $3"; }
near "gain of a split that prices know of" "$(size ADJUSTED)" 600 0.05
near "loss of an inverted split" "$(size INVERTED)" -93.75 0.01
near "a missing 2 for 1" "$(size MISSING2)" -50 0.05
near "a missing 1 for 10" "$(size MISSING10)" 900 0.05
near "pence for pounds" "$(size PENCE)" 9900 0.05
near "a dividend beyond the price" "$(size DIVABOVE)" 500 0.3
same "$(field 'sorted(f["symbol"] for f in j["findings"] if f["heavy"])')" \
    "['ADJUSTED', 'BIGDIV', 'DIVABOVE', 'INVERTED', 'MILLS', 'MISSING10', 'MISSING2', 'MISSING23', 'PENCE', 'SPIKE']" "heavy findings"
same "$(field '[f["weight"] for f in j["findings"]] == sorted((f["weight"] for f in j["findings"]), reverse=True)')" True "order"
same "$(field 'all(f["heavy"] == (f["weight"] >= 5) for f in j["findings"])')" True "heaviness"
same "$(field '{f["sid"]: f["symbol"] for f in j["findings"]}[0]')" ADJUSTED "sid of the first asset"
one high-below-low UPSIDE "'2020-01-29'" "$(field 'round([f["size"] for f in j["findings"] if f["symbol"] == "UPSIDE"][0])')"
one outside-range OUTSIDE "'2020-01-30'" 3
one price-partial NOCLOSE "'2020-01-31'" 1
one volume-zero NOVOLUME "'2020-02-03'" 2
one stale-price STALE "'2020-01-15'" 7
one constant-price CONSTANT "'2020-01-01'" 60
one hole HOLES "'2020-02-26'" 4
one ends-early EARLY "'2020-03-20'" 2
one begins-late LATE "'2020-01-10'" 7
same "$(field 'sorted(f["kind"] for f in j["findings"] if f["symbol"] == "ALONE")')" "['hole', 'volume-alone']" "findings of ALONE"
same "$(field 'sum(j["counts"].values()) == len(j["findings"]) == len(j["warnings"])')" True "counts"
run 0 verify market2
case $out in "heavy: "*) ;; *) fail "the heaviest is not the first: $out" ;; esac
grep -q '^heavy: ADJUSTED 2020-02-12: a 7 for 1 split, but the close goes from .* \[split-contradicted\]$' out || fail "ADJUSTED: $out"
grep -q '^warning: EARLY 2020-03-20: ends 2 sessions before the bundle: taken as delisted \[ends-early\]$' out || fail "EARLY: $out"
same "$(tail -n 1 out | sed 's/.*can be read; \(.*\); .*/\1/')" "23 findings, 10 heavy" "summary"

# an ingest tells the same, and what to do about splits of adjusted prices
run 0 verify market2
grep -E '^(heavy|warning): ' out >verified
run 0 ingest csvdir csv2 again
grep -E '^(heavy|warning): .*\]$' err | cmp -s - verified || fail "ingest tells something else: $err"
grep -q '^note: .*--splits ignore' err || fail "ingest does not tell what to do: $err"
run 0 ingest csvdir csv1 again
same "$err" "" "what an ingest says of good data"
mkdir -p adjusted/daily
cp csv2/daily/ADJUSTED.csv adjusted/daily
run 0 ingest csvdir adjusted ignored --splits ignore
case $err in *split-contradicted*) fail "--splits ignore: $err" ;; esac
run 0 verify ignored --strict

# thresholds, weights, how many, strictness
run 1 verify market2 --strict
run 0 verify market2 --weight 1e9 --strict --json
same "$(field 'j["findings"], j["counts"]')" "([], {})" "findings of a weight that none has"
run 0 verify market2 --weight 5 --json
same "$(field 'len(j["findings"]), j["heavy"]')" "(10, 10)" "heavy ones only"
run 0 verify market2 --json --jump 95
same "$(field '[f["symbol"] for f in j["findings"] if f["kind"] == "jump"]')" "[]" "--jump 95"
run 0 verify market2 --json --jump 3
same "$(field 'len([f for f in j["findings"] if f["kind"] in ("jump", "spike")]) > 4')" True "--jump 3"
run 0 verify market2 --json --dividend 40
same "$(field '[f["symbol"] for f in j["findings"] if f["kind"] == "dividend-large"]')" "[]" "--dividend 40"
run 0 verify market2 --json --stale 8
same "$(field '[f["symbol"] for f in j["findings"] if f["kind"] == "stale-price"]')" "[]" "--stale 8"
run 0 verify market2 --json --max 1
same "$(field 'len([f for f in j["findings"] if f["kind"] == "split-missing"]), j["counts"]["split-missing"]')" "(1, 3)" "--max 1"
run 0 verify market2 --max 1
grep -qx 'and 2 more split-missing' out || fail "--max 1: $out"
for option in "--jump 0" "--jump x" "--dividend -1" "--stale 1" "--max 0" "--few nan" "--weight -1" "--minutes ,"; do
    refused 2 "${option%% *}: " verify market2 "${option/ /=}"
done
for threads in 1 2 7; do
    run 0 verify market2 --json --threads $threads --max 2
    cp out "by$threads"
done
cmp -s by1 by2 && cmp -s by1 by7 || fail "findings depend on the number of threads"

# sessions and the other assets
market A B C D E SATURDAY HOLIDAY EPOCH
same "$(kinds)" "[$(printf "%s" "('begins-late', 'A', '2020-01-01'), ('begins-late', 'B', '2020-01-01'), ('begins-late', 'C', '2020-01-01'), ('begins-late', 'D', '2020-01-01'), ('begins-late', 'E', '2020-01-01'), ('begins-late', 'HOLIDAY', '2020-01-01'), ('begins-late', 'SATURDAY', '2020-01-01'), ('ends-early', 'A', '2020-03-24'), ('ends-early', 'B', '2020-03-24'), ('ends-early', 'C', '2020-03-24'), ('ends-early', 'D', '2020-03-24'), ('ends-early', 'E', '2020-03-24'), ('ends-early', 'EPOCH', '2020-03-24'), ('ends-early', 'SATURDAY', '2020-03-24'), ('stray-session', None, '1970-01-01'), ('weekend', 'SATURDAY', '2020-02-01')")]" \
    "stray sessions"
market CLOSED1 CLOSED2 CLOSED3 CLOSED4 ONE
same "$(kinds)" "[('few-assets', None, '2020-02-17')]" "a holiday on which one trades"
same "$(field 'j["findings"][0]["size"], "ONE" in j["findings"][0]["text"]')" "(1, True)" "who trades"
run 0 verify "market$made" --json --few 10
same "$(kinds)" "[('few-assets', None, '2020-02-17')]" "one is few whatever the percentage"
market A B CRYPTO
same "$(kinds ' if f["kind"] not in ("ends-early", "begins-late")')" "[('mixed-calendars', None, '2020-01-04')]" "shares and a crypto-currency"
market CRYPTO
same "$(kinds)" "[]" "a crypto-currency alone"

# far from all others: of an asset that trades elsewhere, too, a slip; of one that has nothing else, no reason to doubt it
rows() { printf '%s,10,10,10,10,1\n' "$@" | sed '1i date,open,high,low,close,volume'; }
mkdir -p far/daily
for name in A B; do rows 2020-01-02 2020-01-03 2020-01-06 2020-01-07 >far/daily/$name.csv; done
far() {
    rows "$@" >far/daily/FAR.csv
    run 0 ingest csvdir far far
    run 0 verify far --json
    same "$(field 'sorted((f["kind"], f["date"], f["heavy"]) for f in j["findings"] if f["kind"][:3] in ("str", "cal"))')" "$expected" "FAR: $*"
}
expected="[('stray-session', '1970-01-01', True), ('stray-session', '2120-01-08', True)]"
far 1970-01-01 2020-01-02 2020-01-06 2120-01-08
expected="[('stray-session', '1970-01-01', True), ('stray-session', '2120-01-08', True)]"
far 1970-01-01 2120-01-08 # neither is near the other
expected="[('calendar-gap', '2021-10-08', False)]"
far 2021-10-08
expected="[('calendar-gap', '2021-10-08', False)]"
far 2021-10-08 2021-10-11
# too few sessions to say what is far
rm far/daily/B.csv
rows 2020-01-02 2020-01-03 >far/daily/A.csv
expected="[('calendar-gap', '2020-03-02', False)]"
far 2020-01-03 2020-03-02

# minute bars: 2020-01-02 is a Thursday
mkdir -p minutes/daily minutes/minute
printf 'date,open,high,low,close,volume\n2020-01-02,10,12,9,11,10\n2020-01-03,11,11,10,10,10\n' | tee minutes/daily/GOOD.csv >minutes/daily/BAD.csv
printf 'date,open,high,low,close,volume\n2020-01-02 15:00:00,10,12,10,11,5\n2020-01-02 15:01:00,10,11,9,11,5\n2020-01-03 15:00:00,11,11,10,10,5\n' >minutes/minute/GOOD.csv
printf 'date,open,high,low,close,volume\n2020-01-02 15:00:00,10,12,10,11,5\n2020-01-02 15:01:30,10,13,9,11,5\n2020-01-03 15:00:00,11,10.5,10,10,5\n2020-01-04 15:00:00,11,11,10,10,5\n' >minutes/minute/BAD.csv
run 0 ingest csvdir minutes minutes
run 0 verify minutes --json
same "$(field 'sorted((f["kind"], f["symbol"], f["date"], round(f["size"], 3)) for f in j["findings"])')" \
    "[('minute-daily', 'BAD', '2020-01-02', 8.333), ('minute-range', 'BAD', '2020-01-03 15:00', 4.762), ('minute-seconds', 'BAD', '2020-01-02 15:01', 1), ('minute-session', 'BAD', '2020-01-04', 1), ('weekend', 'BAD', '2020-01-04', 1)]" \
    "minute bars"
run 0 verify minutes --json --minutes 9
same "$(field '[f for f in j["findings"] if f["kind"] == "minute-daily"]')" "[]" "--minutes 9"

# minutes of sessions whose hours nobody knows, 26 January being a holiday: in Sydney a session begins on the evening before
# by UTC; a market that never closes has days of its own
bars() { # bars DAY CLOSE [HOUR...] : three bars in each of these hours, of which the last one closes at CLOSE
    local day=$1 close=$2 hour
    shift 2
    for hour in "$@"; do
        for minute in 01 20 59; do echo "$day $hour:$minute,$close,$close,$close,$close,1"; done
    done
}
days=(2020-01-23 2020-01-24 2020-01-27 2020-01-28)
closes=(10 12 14 17)
overnight() { # overnight HOURS OPTION... : the daily bars are those of the minutes, but for the one that $wrong names
    local hours=$1 k close
    shift
    rm -rf night && mkdir -p night/daily night/minute
    echo date,open,high,low,close,volume | tee night/daily/N.csv >night/minute/N.csv
    for k in 0 1 2 3; do
        close=${closes[k]}
        # shellcheck disable=SC2086
        bars "${days[k]}" "$close" $hours >>night/minute/N.csv
        [ "${days[k]}" != "$wrong" ] || close=9
        echo "${days[k]},$close,$close,$close,$close,1" >>night/daily/N.csv
    done
    run 0 ingest csvdir night night "$@"
    run 0 verify night --json
    same "$(field '[(f["kind"], f["date"]) for f in j["findings"] if f["kind"].startswith(("minute", "weekend"))]')" "$expected" \
        "hours $hours, $*, wrong on '$wrong'"
}
sydney="10 11 12 13 14 15"
all=$(seq -s ' ' -f %02g 0 23)
for zone in "--calendar XASX --timezone Australia/Sydney" "--timezone Australia/Sydney"; do
    for wrong in '' 2020-01-27 2020-01-28; do
        expected="[]"
        [ -z "$wrong" ] || expected="[('minute-daily', '$wrong')]"
        # shellcheck disable=SC2086
        overnight "$sydney" $zone
    done
done
wrong='' expected="[]"
overnight "$all" --timezone America/New_York
overnight "$all" --timezone Asia/Tokyo
overnight "$all" --calendar 24/7
wrong=2020-01-27 expected="[('minute-daily', '2020-01-27')]"
overnight "$all" --calendar 24/7

# a market that is made up is in order, whatever its seed
for seed in 1 2 3; do
    run 0 demo demo --assets 40 --days 600 --minute --seed $seed
    run 0 verify demo --json
    same "$(field 'j["heavy"], sorted(set(j["counts"]) - {"hole", "ends-early", "begins-late"})')" "(0, [])" "demo of seed $seed"
done

# real prices: splits that the prices know of already; prices that are in order
if [ -n "$data" ] && [ -d "$data/zipline" ]; then
    run 0 ingest csvdir "$data/zipline/csvdir" quandl
    run 0 verify quandl --json
    same "$(kinds)" "[('split-contradicted', 'AAPL', '2014-06-09'), ('split-contradicted', 'KO', '2012-08-13')]" "adjusted prices"
    run 0 ingest csvdir "$data/eqker" eqker
    run 0 verify eqker --strict --json
fi
finish
