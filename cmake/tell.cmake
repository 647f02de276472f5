# What the programs tell of themselves as files: man pages, and completions for bash. Both come from their tables of
# commands and options, so neither can fall behind.
set(told "")
foreach(program bundle optimizer)
    set(page ${PROJECT_BINARY_DIR}/man/${program}.1)
    set(template ${PROJECT_SOURCE_DIR}/docs/man/${program}.1.in)
    set(completion ${PROJECT_BINARY_DIR}/completions/${program})
    add_custom_command(OUTPUT ${page}
        COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${program}> -DTEMPLATE=${template} -DOUT=${page}
                -P ${PROJECT_SOURCE_DIR}/cmake/man_page.cmake
        DEPENDS ${program} ${template} ${PROJECT_SOURCE_DIR}/cmake/man_page.cmake VERBATIM)
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/completions)
    add_custom_command(OUTPUT ${completion} COMMAND ${program} --completion > ${completion} DEPENDS ${program} VERBATIM)
    list(APPEND told ${page} ${completion})
    install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES ${completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endforeach()
add_custom_target(pages ALL DEPENDS ${told})
