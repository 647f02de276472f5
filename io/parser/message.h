/** @file io/parser/message.h
 * What a library and its parser say to each other.
 *
 *     library                          bundle-parser: waits          a child of it for each question
 *     question, file, answer ────────► fork ───────────────────────► limits itself, looks into the file
 *            ◄───────────────────────────────────────────── answer ─ writes, ends
 *            ◄────────────── how it ended ──
 *
 * Questions are datagrams on a socket that the library holds the other end of; the parser ends when that is closed. With
 * a question go two descriptors: the file, open for reading, and a socket for this one answer. An answer is a bp__answer,
 * its payload, and a bp__obituary, which the parser itself writes, when the child has ended: so the last bytes are true
 * whatever a hostile file has made of the child.
 *
 * Both ends are of one build, and say so first: structs travel as they are in memory.
 */
#ifndef BP_IO_PARSER_MESSAGE_H
#define BP_IO_PARSER_MESSAGE_H

#include <limits.h>
#include <stdint.h>

#define BP__PARSER_ARGUMENT 512 /**< bytes that may go with a question */
#define BP__PARSER_MOST     64  /**< questions that are being answered at once; more wait */

/** The descriptor that a parser is started with: its end of the socket of questions. */
#define BP__PARSER_SOCKET 3

typedef struct bp__question {
    uint32_t what;        /**< the number by which asker and answerer know the kind of question */
    uint32_t limit_ms;    /**< after which the child is killed */
    uint64_t memory;      /**< bytes of address space that the child may add to what it begins with */
    uint64_t file_bytes;  /**< size of the file */
    char label[PATH_MAX]; /**< how errors name the file */
    _Alignas(8) unsigned char argument[BP__PARSER_ARGUMENT];
} bp__question;

typedef struct bp__answer {
    uint32_t status; /**< bp_status; if it is an error, the payload is its text */
    uint32_t unused;
    uint64_t bytes; /**< of the payload */
} bp__answer;

typedef struct bp__obituary {
    int32_t status;     /**< as waitpid() gives it */
    uint32_t timed_out; /**< 1: killed because limit_ms were over */
} bp__obituary;

/** Said by the parser before anything else. */
typedef struct bp__greeting {
    char build[128]; /**< bp__parser_build() */
} bp__greeting;

/** What must be equal at both ends. @return static */
const char *bp__parser_build(void);

#endif
