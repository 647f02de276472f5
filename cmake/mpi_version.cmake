# bp_mpi_version(VERSION FAMILY) : which MPI find_package() has found: "Open MPI 4.1.4" and "Open MPI". From its header: no
# program is started, and the compiler may be one for another machine. Installed, too: bundlepoolConfig.cmake asks it.
function(bp_mpi_version version family)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/bundlepool_mpi_version.c)
    # "FAMILY" and "RELEASE" are no macros of any MPI; MPICH and OPEN_MPI are, and would be replaced by numbers
    file(WRITE ${source} [[
#include <mpi.h>
#if defined(OMPI_MAJOR_VERSION)
"FAMILY Open MPI" "RELEASE" OMPI_MAJOR_VERSION . OMPI_MINOR_VERSION . OMPI_RELEASE_VERSION
#elif defined(I_MPI_VERSION)
"FAMILY MPICH" "NAME Intel MPI" "RELEASE" I_MPI_VERSION
#elif defined(MPICH_VERSION)
"FAMILY MPICH" "RELEASE" MPICH_VERSION
#else
"FAMILY MPI" "RELEASE" MPI_VERSION . MPI_SUBVERSION
#endif
]])
    list(TRANSFORM MPI_C_INCLUDE_DIRS PREPEND -I OUTPUT_VARIABLE includes)
    execute_process(COMMAND ${CMAKE_C_COMPILER} -E -P ${includes} ${source} OUTPUT_VARIABLE text ERROR_QUIET)
    set(${version} unknown PARENT_SCOPE)
    set(${family} MPI PARENT_SCOPE)
    if(text MATCHES "\"FAMILY ([^\"]*)\"")
        set(found ${CMAKE_MATCH_1})
        set(name ${found})
        if(text MATCHES "\"NAME ([^\"]*)\"")
            set(name ${CMAKE_MATCH_1})
        endif()
        string(REGEX MATCH "\"RELEASE\"(.*)" release "${text}")
        string(REGEX REPLACE "[\" \n]" "" release "${CMAKE_MATCH_1}")
        set(${version} "${name} ${release}" PARENT_SCOPE)
        set(${family} ${found} PARENT_SCOPE)
    endif()
endfunction()
