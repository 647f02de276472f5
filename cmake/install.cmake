# What a user of the library needs: headers, library, CMake package, pkg-config file, programs, man pages.
include(CMakePackageConfigHelpers)
install(DIRECTORY include/bundlepool DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS bundlepool EXPORT bundlepoolTargets)
install(TARGETS bundle optimizer)
install(EXPORT bundlepoolTargets NAMESPACE bundlepool:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bundlepool)
configure_package_config_file(cmake/bundlepoolConfig.cmake.in ${PROJECT_BINARY_DIR}/bundlepoolConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bundlepool)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/bundlepoolConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/bundlepoolConfig.cmake ${PROJECT_BINARY_DIR}/bundlepoolConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bundlepool)
file(RELATIVE_PATH bp_prefix_from_pc "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/") # moves with the prefix
configure_file(cmake/bundlepool.pc.in ${PROJECT_BINARY_DIR}/bundlepool.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/bundlepool.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
include(cmake/tell.cmake) # man pages, completions
