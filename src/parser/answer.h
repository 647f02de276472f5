/** @file src/parser/answer.h
 * The answers to the questions of io/hdf5/h5payload.h.
 */
#ifndef BP_PARSER_ANSWER_H
#define BP_PARSER_ANSWER_H

#include "parser/serve.h"

/** A bp__answer_fn. @retval any  what looking into the file comes to */
bp_status bp__answer_about_h5(const bp__question *question, int fd, bp__outbox *outbox);

#endif
