# cmake -D SOURCE=DIR -D OUT=FILE -P commit.cmake : writes the commit that is being built. Runs with every build; the
# file is touched only when the commit differs, so that nothing else is compiled again.
cmake_minimum_required(VERSION 3.25)
set(commit unknown)
find_program(GIT git)
if(GIT)
    # A release unpacked inside somebody else's repository is not of that repository's commit.
    execute_process(COMMAND ${GIT} rev-parse --show-prefix WORKING_DIRECTORY ${SOURCE}
                    OUTPUT_VARIABLE prefix RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(failed EQUAL 0 AND prefix STREQUAL "")
        execute_process(COMMAND ${GIT} --no-optional-locks describe --always --dirty --abbrev=12 --exclude=*
                        WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE described RESULT_VARIABLE failed ERROR_QUIET
                        OUTPUT_STRIP_TRAILING_WHITESPACE)
        if(failed EQUAL 0)
            set(commit ${described})
        endif()
    endif()
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "#define BP__COMMIT \"@commit@\"\n" @ONLY)
