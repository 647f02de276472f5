# What bp_build_info() tells, as the header build_info.h: to be included when every package has been looked for.
function(bp_or_none variable value)
    if(value STREQUAL "" OR value MATCHES "NOTFOUND$")
        set(value none)
    endif()
    set(${variable} "${value}" PARENT_SCOPE)
endfunction()

set(info_dir ${PROJECT_BINARY_DIR}/build_info)
bp_or_none(BP__MPI_VERSION "${BUNDLEPOOL_MPI}")
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
