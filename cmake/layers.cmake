# The layers of the project, lowest first, and what each may use. An include and a call point down this list, and only to
# what a row names; tests/lint/layers.sh holds the tree and the objects to it.
#
# Columns: name, target ("-": headers only), what its files begin with, and the layers that it may use. MPI and HDF5 stand
# for their headers. A target that this configuration does not build is left out.
set(BP_LAYERS
    "include   -            include/bundlepool/"
    "pool.h    -            include/bundlepool/pool.h,include/bundlepool/bundlepool.h  include MPI"
    "core      bp_core      src/core/                include"
    "draft     bp_io_draft  io/draft,io/scale.,io/origin.,io/report.,io/progress.,io/spill.,io/bar.,io/source_state. core include"
    "parser    bp_io_parser io/parser/               core include"
    "hdf5      bp_io_hdf5   io/hdf5/                 parser draft core include HDF5"
    "ingest    bp_io_ingest io/ingest/               draft core include"
    "mpi       bp_mpi       mpi/                     core include pool.h MPI"
    "door      bp_door      src/door/                mpi hdf5 parser core include pool.h MPI"
    "reader    bp_reader    src/reader/              core include"
    "strategies bp_strategies src/backtest/strategies/ include"
    "backtest  bp_backtest  src/backtest/            strategies reader core include"
    "search    bp_search    src/search/              backtest reader door mpi core include pool.h MPI"
    "doctor    bp_doctor    src/doctor/              parser core include"
    "answers   bundle-parser src/parser/             hdf5 parser draft core include"
    "cli       bp_cli       src/cli/                 core include"
    "bundle    bundle       src/bundle/              doctor cli reader hdf5 ingest draft core include"
    "optimizer bp_optimizer src/optimizer/           doctor cli search reader backtest door mpi core include pool.h MPI"
    "python    bp_python    python/core/             optimizer cli search reader backtest door mpi core include pool.h MPI")

# Write the table for the lint: "layer NAME PREFIXES USES…" and "object NAME PATH" lines.
function(bp_write_layers file)
    set(lines "")
    foreach(row ${BP_LAYERS})
        string(REGEX REPLACE " +" ";" row "${row}")
        list(POP_FRONT row name target prefixes)
        list(JOIN row " " uses)
        string(APPEND lines "layer ${name} ${prefixes} ${uses}\n")
        if(TARGET ${target})
            # a sanitized build adds an object of tests/support to its programs, which belongs to no layer
            set(objects "$<FILTER:$<TARGET_OBJECTS:${target}>,EXCLUDE,/tests/support/>")
            string(APPEND lines "object ${name} $<JOIN:${objects},\nobject ${name} >\n")
        endif()
    endforeach()
    file(GENERATE OUTPUT ${file} CONTENT "${lines}")
endfunction()
