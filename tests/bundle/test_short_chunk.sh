#!/usr/bin/env bash
# test_short_chunk.sh BUNDLE : an index that tells a length of a chunk which is not what libhdf5 reads of it. The rest of the
# buffer is that of the chunk before, and was taken for values.
. "$(dirname "$0")/common.sh"
need_python h5py
"$python" - <<'PYTHON' || fail "no file"
import struct
import h5py, numpy as np

with h5py.File("good.h5", "w") as f:  # so many chunks that they are not located one by one
    f["US/index/sid"], f["US/index/day"] = np.arange(20), np.arange(70) * 86400 * 10**9
    for name in "open", "high", "low", "close", "volume":
        data = f.create_dataset("US/data/" + name, data=np.arange(1000, 2400, dtype="u4").reshape(20, 70), chunks=(1, 1))
        data.attrs["scaling_factor"] = 1000
data = open("good.h5", "rb").read()
key = struct.pack("<IIQQQ", 4, 0, 0, 50, 0)  # bytes, mask and place of a chunk in the index
assert data.count(key) == 5
open("short.h5", "wb").write(data.replace(key, struct.pack("<IIQQQ", 0, 0, 0, 50, 0)))
PYTHON
run 0 verify good.h5
refused 1 "short.h5: " verify short.h5
case $err in *damaged*) ;; *) fail "not said to be damaged: $err" ;; esac
finish
