/** @file mpi/wire.h
 * Messages between nodes as bytes. All nodes run the same build on the same architecture (bp__dir_check() on
 * each node, and one binary per job), so structs travel as they are, without the unused end of their texts;
 * of the ages, only those of slots that have one travel.
 */
#ifndef BP_MPI_WIRE_H
#define BP_MPI_WIRE_H

#include <stddef.h>

#include "mpi/message.h"

/** Bytes of a command or an answer up to the end of its text. */
size_t bp__wire_command_size(const bp__command *command);
size_t bp__wire_answer_size(const bp__answer *answer);

/** Fill in a struct from bytes. @return false: not such a message */
bool bp__wire_command(const void *bytes, size_t size, bp__command *command);
bool bp__wire_answer(const void *bytes, size_t size, bp__answer *answer);

/** The most bytes that a note can take. */
size_t bp__wire_note_max(uint32_t num_slots);

/** Write a note to `bytes` (bp__wire_note_max() long). @return its size */
size_t bp__wire_put_note(const bp__note *note, uint32_t num_slots, void *bytes);

/** Read a note; its ages, if any, go to ages[num_slots]. @return false: not such a message */
bool bp__wire_note(const void *bytes, size_t size, uint32_t num_slots, bp__note *note, bp__age *ages);

#endif
