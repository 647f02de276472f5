/** @file parser/serve.h
 * The parser's side: a process that does nothing but fork, and children that answer one question each.
 *
 * What a hostile file makes of a child ends with that child: nothing of it is there when the next file is looked into.
 */
#ifndef BP_PARSER_SERVE_H
#define BP_PARSER_SERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"
#include "io/parser/message.h"

/** An answer under way. */
typedef struct bp__outbox bp__outbox;

/** Write a part of the payload. `total` is the size of all of it, the same in each call.
 *  @retval BP_ESYS  whoever has asked is gone */
bp_status bp__outbox_put(bp__outbox *outbox, uint64_t total, const void *data, size_t size);

/** Answer a question: write the whole payload, or fail, with a text. Runs in a process of its own, confined.
 *  @param[in] fd  the file */
typedef bp_status (*bp__answer_fn)(const bp__question *question, int fd, bp__outbox *outbox);

/** Answer what is asked on BP__PARSER_SOCKET until nobody can ask any more. @return the program's exit code */
int bp__serve(bp__answer_fn answer);

#endif
