#!/usr/bin/env bash
# test_ingest.sh BUNDLE [DATA] : bundle ingest csvdir and table through the program: options, exit codes, what is told, and
# that an ingest that fails leaves what was there.
. "$(dirname "$0")/common.sh"

header=date,open,high,low,close,volume
told() { case $err in *"$1"*) ;; *) fail "'$1' is not in '$err'" ;; esac; }

mkdir -p csv/daily csv/minute
printf '%s\n' $header 2020-01-02,1,1,1,1,1 2020-01-03,1,1.1,1,1.1,2 >csv/daily/A.csv
printf '%s\n' $header '2020-07-01 09:30,1,1,1,1,1' '2020-07-01 16:00,2,2,2,2,2' '2020-12-01 09:30,2,2,2,2,2' >csv/minute/A.csv
run 0 ingest csvdir csv mine --timezone America/New_York --calendar NYSE --currency USD --threads 3
[ -z "$err" ] || fail "a good folder: $err"
run 0 info mine
case $out in *"calendar                XNYS"*) ;; *) fail "the calendar is not in: $out" ;; esac
case $out in *"not known"*country*) fail "the country of XNYS is known: $out" ;; esac
run 0 ingest csvdir csv mine --calendar nyse # the same times, taken as UTC
told "warning: csv/minute/A.csv:2: minute bars outside of the hours of XNYS; is their time zone UTC? if not, say --timezone (2)"
run 0 ingest csvdir csv mine
run 0 info mine
case $out in *"calendar                -"*) ;; *) fail "a calendar that nobody named: $out" ;; esac
case $out in *"not known"*calendar,\ country*) ;; *) fail "a country that nobody named: $out" ;; esac
run 0 ingest csvdir csv mine --calendar 24/7 --timezone UTC --currency EUR
run 0 info mine
case $out in *"not known"*country*) ;; *) fail "the country of a currency: $out" ;; esac

# options that make no sense are wrong usage
cp bundles/mine.h5 mine.old
refused 2 "calendar 'XXXX' is not known, choose from 24/7, XNYS" ingest csvdir csv mine --calendar XXXX
refused 2 "time zone 'Mars/Olympus': there is none of that name" ingest csvdir csv mine --timezone Mars/Olympus
refused 2 "--date-format 'DD/MM': not a format" ingest csvdir csv mine --date-format DD/MM
refused 2 "unknown source 'cvsdir', choose from" ingest cvsdir csv mine
refused 1 "nowhere: cannot be opened" ingest csvdir nowhere mine

# errors, all of them; the old bundle stays
printf '%s\n' $header 2020-01-02,1,x,1,1,1 2020-01-02,1,1,1,1 2020-01-03,1,1,-1,1,1 >csv/daily/B.csv
printf 'nonsense\n' >csv/daily/C.csv
run 1 ingest csvdir csv mine
for text in "B.csv:2: column 'high': 'x'" "B.csv:3: 5 fields" "B.csv:4: column 'low': -1 is negative" "C.csv:1: no header" \
    "4 errors in 2 files: no bundle was made"; do told "$text"; done
cmp -s mine.old bundles/mine.h5 || fail "an ingest that failed changed the bundle"
run 1 ingest csvdir csv mine --max-errors 2
[ "$(grep -c '^error' "$dir/err")" -le 3 ] || fail "--max-errors 2: $err"
run 1 ingest csvdir csv mine --keep-going
told "made without 2 files that have errors"
run 0 info mine --json
same "$(field 'j["assets"]')" 1 "assets that are left"

# what is no file does not hold it up
mkfifo csv/daily/F.csv
ln -s /etc/passwd csv/daily/L.csv
rm csv/daily/B.csv csv/daily/C.csv
timeout 60 "$bundle" ingest csvdir csv mine 2>err >/dev/null
[ $? = 1 ] || fail "a FIFO and a link out of the folder: not exit code 1"
err=$(cat err)
told "F.csv: a FIFO, not a regular file"
told "L.csv: a link that leads out of the folder, to /etc/passwd"
rm csv/daily/F.csv csv/daily/L.csv

# what tools pack is taken, and what they would not unpack is not
for tool in gzip bzip2 xz zstd; do
    command -v $tool >/dev/null || continue
    case $tool in gzip) suffix=gz ;; bzip2) suffix=bz2 ;; xz) suffix=xz ;; *) suffix=zst ;; esac
    rm -rf packed && mkdir -p packed/daily
    $tool -c <csv/daily/A.csv >packed/daily/A.csv.$suffix
    run 0 ingest csvdir packed packed
    printf x >>packed/daily/A.csv.$suffix
    run 1 ingest csvdir packed packed
    told "packed/daily/A.csv.$suffix: bytes that are no $tool follow"
done

# a table; the same bars, the same content
printf '%s\n' symbol,$header A,2020-01-02,1,1,1,1,1 B,2020-01-02,3,3,3,3,3 A,2020-01-03,1,1.1,1,1.1,2 >table.csv
run 0 ingest table table.csv table
run 0 version table --json
same "$(field 'j["asset_list"]')" "['A', 'B']" "assets of a table"
mkdir -p twin/daily
cp csv/daily/A.csv twin/daily/
printf '%s\n' $header 2020-01-02,3,3,3,3,3 >twin/daily/B.csv
content=$(field 'j["content_hash"]')
run 0 ingest csvdir twin twin
run 0 version twin --json
same "$(field 'j["content_hash"]')" "$content" "a table and a folder of the same bars"
# names that nobody has: a slip of who typed them, whatever the source; all are told, and nothing is made
for source in 'csvdir twin' 'csvdir twin --keep-going' 'table table.csv'; do
    read -r kind from more <<<"$source"
    # shellcheck disable=SC2086
    refused 2 "--symbols: $from has no symbol 'NONE', 'b';" ingest "$kind" "$from" nobody --symbols 'A, NONE,,b' $more
done
[ ! -e bundles/nobody.h5 ] || fail "a bundle of symbols that nobody has"
printf 'sid,symbol\n0,A\nx,B\n' >twin/assets.csv # with errors of its own: these are told
run 1 ingest csvdir twin nobody --symbols B
told "error: twin/assets.csv:3: column 'sid': 'x' is not a whole number"
run 1 ingest csvdir twin nobody --symbols B --keep-going
rm twin/assets.csv
run 0 ingest csvdir twin spaced --symbols ' B , A '
run 0 version spaced --json
same "$(field 'j["asset_list"]')" "['A', 'B']" "--symbols with blanks"
run 0 ingest csvdir twin twin --symbols B
run 0 version twin --json
same "$(field 'j["asset_list"]')" "['B']" "--symbols"

# what is left out of a table are assets
printf '%s\n' symbol,$header A,2020-01-02,1,1,1,1,1 B,2020-01-02,3,y,3,3,3 >some.csv
run 1 ingest table some.csv some --keep-going
told "warning: some.csv: assets that are left out, for errors: B"
told "made without 1 asset that has errors"

# every file with errors is named, however many the others have
mkdir -p many/daily
for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
    printf '%s\n' $header 2020-01-02,x,1,1,1,1 2020-01-03,x,1,1,1,1 2020-01-06,x,1,1,1,1 >many/daily/F$i.csv
done
run 1 ingest csvdir many many --max-errors 12
for i in 01 06 12; do told "error: many/daily/F$i.csv:2: column 'open': 'x' is not a number (2 more in this file)"; done

# a hundred thousand assets with a row each fit into little memory
if ! grep -qE '__(asan|tsan)_init' "$bundle"; then # sanitizers take address space for themselves
    awk 'BEGIN {print "symbol,date,open,high,low,close,volume"
                for (i = 0; i < 100000; i++) printf "S%06d,2020-01-02,1,1,1,1,1\n", i}' >wide.csv
    (ulimit -v 400000 && exec "$bundle" ingest table wide.csv wide --threads 1) >/dev/null 2>err || fail "a wide table: $(cat err)"
fi

# options that have to be said in one of a few ways; sync remembers them
refused 2 "--symbols: '' names no symbol" ingest csvdir csv mine --symbols ''
refused 2 "--symbols: ' , ' names no symbol" ingest table some.csv some --symbols ' , '
refused 2 "--decimal: ';' is neither . nor ," ingest csvdir csv mine --decimal ';'
refused 2 "--dividends: 'no' is neither trust nor ignore" ingest csvdir csv mine --dividends no
mkdir -p marks/daily
printf '%s\n' 'Date;Volume;Open;High;Low;Close;Dividend' '2020-01-02;1.000;9;9;9;9;0' '2020-01-03;2.500;9;9;9;9;1' >marks/daily/M.csv
run 0 ingest csvdir marks marks --decimal . --dividends ignore
told "note: marks/daily/M.csv:3: dividends are left out, as --dividends ignore says (1)"
printf '%s\n' '2020-01-06;4.000;9;9;9;9;1' >>marks/daily/M.csv
run 0 sync marks
told "dividends are left out, as --dividends ignore says (2)"
run 0 export csvdir marks marks.out
same "$(cut -d, -f6 marks.out/daily/M.csv | tail -n +2 | tr '\n' ' ')" "1 2.5 4 " "volumes with --decimal . after sync"
# sessions whose bars are of two days in UTC come back from an export as they were
mkdir -p evening/minute evening/daily
printf '%s\n' $header,dividend '2020-03-05 09:31,9,9,9,9,9,' '2020-03-05 10:01,9,9,9,9,9,' '2020-03-06 10:01,9,9,9,9,9,0.5' \
    '2020-03-06 15:59,9,9,9,9,9,0.5' '2020-03-06 19:45,9,9,9,9,9,' >evening/minute/A.csv
printf '%s\n' $header 2020-03-05,9,9,9,9,9 2020-03-06,9,9,9,9,9 >evening/daily/B.csv
for where in "America/New_York XNYS" "America/New_York none" "Australia/Sydney XASX" "Australia/Sydney none" "Asia/Tokyo XTKS"; do
    rm -rf evening.out
    run 0 ingest csvdir evening evening --timezone "${where% *}" --calendar "${where#* }"
    run 0 info evening --json
    same "$(field 'j["calendar_sessions"], j["dividends"]')" "(2, 1)" "sessions and dividends, $where"
    run 0 version evening --json
    content=$(field 'j["content_hash"]')
    run 0 export csvdir evening evening.out
    run 0 ingest csvdir evening.out again
    [ -z "$err" ] || fail "an export, $where: $err"
    run 0 version again --json
    same "$(field 'j["content_hash"]')" "$content" "there and back, $where"
done

# a folder that is made for a bundle goes again if there is none; what was there stays
mkdir gone && cp -r csv gone/csv && cp -r csv gone/bad
printf '%s\n' $header 2020-01-02,x,1,1,1,1 >gone/bad/daily/A.csv
rm -r gone/bad/minute
cd gone || exit 1
empty() { [ ! -e bundles ] && [ ! -e new ] || fail "$1 leaves $(find . -type d)"; }
for wrong in "ingest csvdir bad x" "ingest csvdir bad x --keep-going" "ingest table nothing.csv x" "ingest csvdir nothing x" \
    "import hdf5 bad/daily/A.csv x" "import zipline bad x"; do
    # shellcheck disable=SC2086
    run 1 $wrong
    empty "$wrong"
    # shellcheck disable=SC2086
    run 1 $wrong --root new/of/three
    empty "$wrong --root"
done
run 2 ingest csvdir csv x --symbols NOBODY --root new/of/three
empty "--symbols"
mkdir kept
run 1 ingest csvdir bad x --root kept/new
[ "$(find kept)" = kept ] || fail "a folder that was there: $(find kept)"
run 1 ingest csvdir bad x --root kept
[ "$(find kept)" = kept ] || fail "a folder that was there: $(find . -type d)"
touch kept/file
run 1 ingest csvdir csv x --root kept/file
case $err in *"kept/file: is not a folder"*) ;; *) fail "a file in the place of the folder: $err" ;; esac
rm -r kept
(
    trap '' XFSZ
    ulimit -f 1
    "$bundle" demo x --root new/of/three
) >out 2>err && fail "a KiB is enough"
empty "a full disk"
run 0 demo x --assets 2 --days 5
(
    trap '' XFSZ
    ulimit -f 1
    "$bundle" export zipline-hdf5 x exported
) >out 2>err && fail "a KiB is enough"
[ ! -e exported ] || fail "an export that failed leaves its folder"
cd ..
finish
