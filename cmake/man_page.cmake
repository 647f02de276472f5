# Write a man page: TEMPLATE with what `PROGRAM --man` tells in the place of its line @COMMANDS_AND_OPTIONS@, to OUT.
execute_process(COMMAND ${PROGRAM} --man OUTPUT_VARIABLE COMMANDS_AND_OPTIONS COMMAND_ERROR_IS_FATAL ANY)
string(STRIP "${COMMANDS_AND_OPTIONS}" COMMANDS_AND_OPTIONS)
configure_file(${TEMPLATE} ${OUT} @ONLY)
file(TOUCH ${OUT}) # configure_file() leaves an unchanged file as old as it was, and each build would make it again
