# Which MPI: that of -DMPI_HOME=PREFIX, of -DMPI_C_COMPILER=WRAPPER, or of the compiler itself where it is a wrapper; else
# the first that CMake finds. Afterwards BUNDLEPOOL_MPI is its name and release, such as "Open MPI 4.1.4", and
# BUNDLEPOOL_MPI_FAMILY is "Open MPI", "MPICH" (Intel's and Cray's as well) or "MPI".
include(${CMAKE_CURRENT_LIST_DIR}/mpi_version.cmake)

# Unless told, CMake takes the first launcher in PATH, which may be another MPI's: each rank would be a job of its own. The
# launcher beside a wrapper is named like it: mpicc.mpich and mpiexec.mpich.
function(bp_find_launcher)
    set(wrapper ${MPI_C_COMPILER})
    if(NOT wrapper AND NOT MPI_HOME AND CMAKE_C_COMPILER MATCHES "/mpi[^/]*$")
        set(wrapper ${CMAKE_C_COMPILER})
    endif()
    if(NOT wrapper OR MPIEXEC_EXECUTABLE)
        return()
    endif()
    find_program(path NAMES ${wrapper} NO_CACHE)
    if(path)
        get_filename_component(folder ${path} DIRECTORY)
        get_filename_component(suffix ${path} LAST_EXT)
        find_program(MPIEXEC_EXECUTABLE NAMES mpiexec${suffix} mpirun${suffix} PATHS ${folder} NO_DEFAULT_PATH
                     DOC "Executable for running MPI programs")
    endif()
endfunction()

function(bp_check_launcher)
    if(NOT MPIEXEC_EXECUTABLE)
        return()
    endif()
    execute_process(COMMAND ${MPIEXEC_EXECUTABLE} --version OUTPUT_VARIABLE told ERROR_VARIABLE told TIMEOUT 10
                    RESULT_VARIABLE ignored)
    set(family "")
    if(told MATCHES "Open MPI|OpenRTE|PRRTE")
        set(family "Open MPI")
    elseif(told MATCHES "HYDRA|Intel.* MPI")
        set(family MPICH)
    endif()
    if(family AND NOT BUNDLEPOOL_MPI_FAMILY STREQUAL family)
        message(WARNING "the MPI is ${BUNDLEPOOL_MPI}, but ${MPIEXEC_EXECUTABLE} starts programs of ${family}; name the "
                        "right one with -DMPIEXEC_EXECUTABLE=")
    endif()
endfunction()

bp_find_launcher()
find_package(MPI REQUIRED COMPONENTS C)
bp_mpi_version(BUNDLEPOOL_MPI BUNDLEPOOL_MPI_FAMILY)
bp_check_launcher()
# by its path, for those who compile against what is installed; none where the compiler itself is the wrapper
find_program(BUNDLEPOOL_MPI_WRAPPER NAMES ${MPI_C_COMPILER} NO_CACHE)
message(STATUS "MPI: ${BUNDLEPOOL_MPI}, started by ${MPIEXEC_EXECUTABLE}")
# MPICH's MPI_STATUSES_IGNORE is the address 1, which gcc takes for an array that has no room
if(BUNDLEPOOL_MPI_FAMILY STREQUAL "MPICH" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(bp_options INTERFACE -Wno-stringop-overflow)
endif()
