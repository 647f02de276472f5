/** @file io/parser/start.h
 * Starting a process that is nobody's child.
 */
#ifndef BP_IO_PARSER_START_H
#define BP_IO_PARSER_START_H

#include "core/status.h"

/** Start a program with `socket` as its BP__PARSER_SOCKET and every signal blocked, but not as a child: the host program
 *  gets no SIGCHLD when the process ends, and no wait() of its own returns it. The process has to notice by itself that
 *  it is not needed any more, and inherits what this process has open without O_CLOEXEC.
 *
 *  Threads: any. @param[in] program  a descriptor of the file to be run; not BP__PARSER_SOCKET
 *  @retval BP_ESYS, BP_ENOMEM */
bp_status bp__start_detached(int program, int socket, char *const *environment);

#endif
