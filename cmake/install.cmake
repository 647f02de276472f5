# What a user of the library needs: headers, library, CMake package, pkg-config file, programs, man pages.
include(CMakePackageConfigHelpers)
install(DIRECTORY include/bundlepool DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS bundlepool EXPORT bundlepoolTargets)
install(TARGETS bundle optimizer bundle-parser)
# Strategies of one's own: headers and a flag. An export of its own, because it needs no MPI.
add_library(bundlepool_strategy INTERFACE)
target_include_directories(bundlepool_strategy INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_options(bundlepool_strategy INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-ffp-contract=off>)
set_target_properties(bundlepool_strategy PROPERTIES EXPORT_NAME strategy)
install(TARGETS bundlepool_strategy EXPORT bundlepoolStrategyTargets)
install(EXPORT bundlepoolStrategyTargets NAMESPACE bundlepool::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bundlepool)
install(EXPORT bundlepoolTargets NAMESPACE bundlepool:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bundlepool)
configure_package_config_file(cmake/bundlepoolConfig.cmake.in ${PROJECT_BINARY_DIR}/bundlepoolConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bundlepool)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/bundlepoolConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/bundlepoolConfig.cmake ${PROJECT_BINARY_DIR}/bundlepoolConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bundlepool)
install(FILES cmake/mpi_version.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bundlepool)
# A wrapper that compiles the project itself adds MPI's headers and libraries on its own: then these are empty.
set(bp_pc_mpi_cflags "")
foreach(folder ${MPI_C_INCLUDE_DIRS})
    string(APPEND bp_pc_mpi_cflags " -I${folder}")
endforeach()
set(bp_pc_mpi_libs "")
foreach(library ${MPI_C_LIBRARIES})
    string(APPEND bp_pc_mpi_libs " ${library}")
endforeach()
if(MPI_C_LINK_FLAGS) # where the libraries are when the program starts
    string(APPEND bp_pc_mpi_libs " ${MPI_C_LINK_FLAGS}")
endif()
file(RELATIVE_PATH bp_prefix_from_pc "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/") # moves with the prefix
foreach(package bundlepool bundlepool-strategy)
    configure_file(cmake/${package}.pc.in ${PROJECT_BINARY_DIR}/${package}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${package}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
include(cmake/tell.cmake) # man pages, completions
