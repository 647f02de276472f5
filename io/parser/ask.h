/** @file io/parser/ask.h
 * The library's side: one parser per process, to which files are given to be looked into.
 *
 * The parser is started by the first question, or before, and again if it is gone. A crash, a hang, or a hunger for memory
 * of what looks into a file is an error of that question, and nothing else.
 */
#ifndef BP_IO_PARSER_ASK_H
#define BP_IO_PARSER_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

/** A file that is open. */
typedef struct bp__subject {
    const char *label; /**< borrowed: how errors name it */
    int fd;
    uint64_t bytes; /**< its size */
} bp__subject;

/** Have a parser running, so that no load waits for its start; a failure is told by the first question.
 *  @param[in] most_ms  no answer is waited for longer; 0: as long as the file's size gives it. The last call counts. */
void bp__parser_prepare(uint64_t most_ms);

/** Ask something about a file, and wait for the answer: at most 10 s and a second more for each 100 MB of it.
 *
 * Threads: any, also at once.
 *
 * @param[in]  what      as the parser's program numbers its questions
 * @param[in]  argument  [size], at most BP__PARSER_ARGUMENT bytes
 * @param[out] payload   owned: free(); aligned for anything
 * @retval any          what looking into the file came to
 * @retval BP_EFORMAT   looking into it has crashed, or its answer makes no sense: the text says which
 * @retval BP_ETIMEOUT  it did not end
 * @retval BP_ENOTFOUND, BP_ESYS, BP_ENOMEM  there is no parser, or it cannot be asked */
bp_status bp__parser_ask(const bp__subject *file, uint32_t what, const void *argument, size_t size,
                         void **payload, uint64_t *bytes);

#endif
