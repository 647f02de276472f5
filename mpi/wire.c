#include "mpi/wire.h"

#include <string.h>

typedef struct sparse_age {
    uint32_t slot;
    bp__age age;
} sparse_age;

size_t bp__wire_command_size(const bp__command *command)
{
    return offsetof(bp__command, text) + strlen(command->text) + 1;
}

size_t bp__wire_answer_size(const bp__answer *answer)
{
    return offsetof(bp__answer, text) + strlen(answer->text) + 1;
}

/* Read a struct whose last member is a text: the end of that must have come, too. */
static bool get(const void *bytes, size_t size, size_t text_at, void *out, size_t out_size)
{
    if (size <= text_at || size > out_size || ((const char *)bytes)[size - 1] != '\0') return false;
    memcpy(out, bytes, size);
    return true;
}

/* A name comes from another process: its end is checked like that of a text. */
static bool ends(const char name[BP_NAME_MAX + 1])
{
    return memchr(name, '\0', BP_NAME_MAX + 1) != NULL;
}

/* A bool with another byte in it than 0 or 1 may be both true and false to a compiler. */
static bool is_bool(const bool *value)
{
    return *(const unsigned char *)value <= 1;
}

bool bp__wire_command(const void *bytes, size_t size, bp__command *command)
{
    return get(bytes, size, offsetof(bp__command, text), command, sizeof *command) && ends(command->name) &&
           command->kind <= BP__CMD_STOP && is_bool(&command->stored);
}

bool bp__wire_answer(const void *bytes, size_t size, bp__answer *answer)
{
    return get(bytes, size, offsetof(bp__answer, text), answer, sizeof *answer) &&
           answer->kind <= BP__ANSWER_CHECK && is_bool(&answer->current);
}

size_t bp__wire_note_max(uint32_t num_slots)
{
    return sizeof(bp__note) + num_slots * sizeof(sparse_age);
}

size_t bp__wire_put_note(const bp__note *note, uint32_t num_slots, void *bytes)
{
    size_t size = offsetof(bp__note, text) + strlen(note->text) + 1;
    memcpy(bytes, note, size);
    for (uint32_t s = 0; note->kind == BP__NOTE_AGES && s < num_slots; s++) {
        if (note->ages[s].age_ns == UINT64_MAX) continue;
        sparse_age one;
        memset(&one, 0, sizeof one); /* no stray bytes of the stack on the wire */
        one.slot = s;
        one.age = note->ages[s];
        memcpy((char *)bytes + size, &one, sizeof one);
        size += sizeof one;
    }
    return size;
}

bool bp__wire_note(const void *bytes, size_t size, uint32_t num_slots, bp__note *note, bp__age *ages)
{
    const size_t text_at = offsetof(bp__note, text);
    if (size <= text_at) return false;
    size_t end = text_at + strnlen((const char *)bytes + text_at, size - text_at) + 1;
    if (end > size || !get(bytes, end, text_at, note, sizeof *note) || !ends(note->name) ||
        note->kind > BP__NOTE_DONE || !is_bool(&note->damaged))
        return false;
    note->ages = NULL;
    if (note->kind != BP__NOTE_AGES) return end == size;
    for (uint32_t s = 0; s < num_slots; s++) ages[s] = (bp__age){.age_ns = UINT64_MAX, .pinned_by = -1};
    for (; end + sizeof(sparse_age) <= size; end += sizeof(sparse_age)) {
        sparse_age one;
        memcpy(&one, (const char *)bytes + end, sizeof one);
        if (one.slot >= num_slots) return false;
        ages[one.slot] = one.age;
    }
    note->ages = ages;
    return end == size;
}
