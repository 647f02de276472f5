# What bp_build_info() tells, as the header build_info.h: to be included when every package has been looked for.
function(bp_or_none variable value)
    if(value STREQUAL "" OR value MATCHES "NOTFOUND$")
        set(value none)
    endif()
    set(${variable} "${value}" PARENT_SCOPE)
endfunction()

set(info_dir ${PROJECT_BINARY_DIR}/build_info)
# From its header: no MPI program is started to configure, and the compiler may be one for another machine.
function(bp_mpi_version variable)
    file(WRITE ${info_dir}/mpi_version.c [[
#include <mpi.h>
#if defined(OMPI_MAJOR_VERSION)
found Open MPI OMPI_MAJOR_VERSION . OMPI_MINOR_VERSION . OMPI_RELEASE_VERSION
#elif defined(MPICH_VERSION)
found MPICH MPICH_VERSION
#else
found MPI MPI_VERSION . MPI_SUBVERSION
#endif
]])
    list(TRANSFORM MPI_C_INCLUDE_DIRS PREPEND -I OUTPUT_VARIABLE includes)
    execute_process(COMMAND ${CMAKE_C_COMPILER} -E -P ${includes} ${info_dir}/mpi_version.c
                    OUTPUT_VARIABLE text ERROR_QUIET)
    if(text MATCHES "found (.*)")
        string(REGEX REPLACE "[\"\n]" "" version "${CMAKE_MATCH_1}")
        string(REPLACE " . " "." version "${version}")
        set(${variable} "${version}" PARENT_SCOPE)
    else()
        set(${variable} unknown PARENT_SCOPE)
    endif()
endfunction()

set(mpi_version "")
if(MPI_C_FOUND)
    bp_mpi_version(mpi_version)
endif()
bp_or_none(BP__MPI_VERSION "${mpi_version}")
bp_or_none(BP__HDF5_VERSION "${HDF5_VERSION}")
bp_or_none(BP__OPENSSL_VERSION "${OPENSSL_VERSION}")
bp_or_none(BP__SANITIZERS "${BUNDLEPOOL_SANITIZE}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/build_info.h.in ${info_dir}/build_info.h @ONLY)

add_custom_target(bp_commit
    COMMAND ${CMAKE_COMMAND} -D SOURCE=${PROJECT_SOURCE_DIR} -D OUT=${info_dir}/commit.h
            -P ${CMAKE_CURRENT_LIST_DIR}/commit.cmake
    BYPRODUCTS ${info_dir}/commit.h COMMENT "" VERBATIM)
add_dependencies(bp_core bp_commit)
target_include_directories(bp_core PRIVATE ${info_dir})
