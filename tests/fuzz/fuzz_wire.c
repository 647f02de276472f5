/* Messages between nodes, as bytes: they come from processes of the same job, of which one may be damaged. What is no
 * message is refused; what is one comes out as the same message again. */
#include "fuzz.h"
#include "mpi/wire.h"

enum { COMMAND, ANSWER, NOTE, NUM_KINDS };

/* Written back and read once more: the same. */
static void try_command(const uint8_t *bytes, size_t size)
{
    static bp__command c, again;
    if (!bp__wire_command(bytes, size, &c)) return;
    const size_t n = bp__wire_command_size(&c);
    FUZZ_HOLDS(strlen(c.name) <= BP_NAME_MAX && n <= size && n <= sizeof c);
    FUZZ_HOLDS(bp__wire_command(&c, n, &again) && memcmp(&c, &again, n) == 0);
    FUZZ_HOLDS(c.kind <= BP__CMD_STOP && FUZZ_IS_BOOL(c.stored));
}

static void try_answer(const uint8_t *bytes, size_t size)
{
    static bp__answer a, again;
    if (!bp__wire_answer(bytes, size, &a)) return;
    const size_t n = bp__wire_answer_size(&a);
    FUZZ_HOLDS(n <= size && n <= sizeof a);
    FUZZ_HOLDS(bp__wire_answer(&a, n, &again) && memcmp(&a, &again, n) == 0);
    FUZZ_HOLDS(a.kind <= BP__ANSWER_CHECK && FUZZ_IS_BOOL(a.current));
}

static void try_note(fuzz_tape *tape)
{
    static bp__note note, again;
    const uint32_t slots = (uint32_t)fuzz_take(tape, 1);
    bp__age *ages = fuzz_room(slots * sizeof *ages), *ages_again = fuzz_room(slots * sizeof *ages);
    uint8_t *bytes = fuzz_copy(tape->at, tape->left), *written = fuzz_room(bp__wire_note_max(slots));
    if (bp__wire_note(bytes, tape->left, slots, &note, ages)) {
        FUZZ_HOLDS(strlen(note.name) <= BP_NAME_MAX && strlen(note.text) < sizeof note.text);
        FUZZ_HOLDS(note.kind <= BP__NOTE_DONE && FUZZ_IS_BOOL(note.damaged));
        const size_t n = bp__wire_put_note(&note, slots, written);
        FUZZ_HOLDS(n <= bp__wire_note_max(slots));
        FUZZ_HOLDS(bp__wire_note(written, n, slots, &again, ages_again));
        for (uint32_t s = 0; note.ages && s < slots; s++)
            FUZZ_HOLDS(ages[s].age_ns == ages_again[s].age_ns &&
                       (ages[s].age_ns == UINT64_MAX || ages[s].pins == ages_again[s].pins));
    }
    free(ages);
    free(ages_again);
    free(bytes);
    free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz_tape tape = {bytes, size};
    const unsigned kind = (unsigned)fuzz_take(&tape, 1) % NUM_KINDS;
    if (kind == NOTE) {
        try_note(&tape);
        return 0;
    }
    uint8_t *message = fuzz_copy(tape.at, tape.left);
    if (kind == COMMAND) try_command(message, tape.left);
    if (kind == ANSWER) try_answer(message, tape.left);
    free(message);
    return 0;
}

static void put_note(fuzz_pen *pen, bp__note_kind kind)
{
    const bp__age ages[3] = {
        {.age_ns = 5, .pins = 1, .pinned_by = 7}, {.age_ns = UINT64_MAX}, {.age_ns = 9, .pinned_by = -1}};
    const bp__note note = {.kind = kind, .name = "demo", .text = "no", .ages = ages};
    uint8_t written[sizeof note + 200];
    fuzz_put_byte(pen, 3);
    FUZZ_HOLDS(bp__wire_note_max(3) <= sizeof written);
    fuzz_put(pen, written, bp__wire_put_note(&note, 3, written));
}

size_t fuzz_seed(unsigned number, uint8_t *bytes)
{
    static const bp__command command = {.number = 1, .kind = BP__CMD_OPEN, .name = "demo", .text = "why"};
    static const bp__answer answer = {.kind = BP__ANSWER_CHECK, .current = true, .text = "why"};
    static const unsigned kinds[] = {COMMAND, ANSWER, NOTE, NOTE};
    fuzz_pen pen = {bytes, 0};
    if (number >= sizeof kinds / sizeof *kinds) return 0;
    fuzz_put_byte(&pen, kinds[number]);
    switch (kinds[number]) {
    case COMMAND: fuzz_put(&pen, &command, bp__wire_command_size(&command)); break;
    case ANSWER: fuzz_put(&pen, &answer, bp__wire_answer_size(&answer)); break;
    default: put_note(&pen, number == 2 ? BP__NOTE_MISS : BP__NOTE_AGES); break;
    }
    return pen.size;
}
