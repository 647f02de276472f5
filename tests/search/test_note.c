/* Notes beside a journal: what is read is what a rank has left, and nothing else is believed. */
#include "core/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "search/note.h"

#define TEXT  "program a\nresults 2\nstrategy s\n"
#define TASKS 100

static char folder[] = "/tmp/bundlepool-note-XXXXXX";
static char journal[64];
static bp__note_place place;
static bp__notes notes;
static const uint64_t three[] = {7, 8, 99};

static const char *file(const char *suffix)
{
    static char path[128];
    snprintf(path, sizeof path, "%s%s", journal, suffix);
    return path;
}

static bool is_there(const char *suffix)
{
    return access(file(suffix), F_OK) == 0;
}

static void read_notes(void)
{
    bp__notes_fini(&notes);
    MUST(bp__notes_read(&place, TASKS, &notes));
    MUST(bp__notes_tidy(&place, &notes));
}

static void leave_one(void)
{
    CU_ASSERT_FATAL(bp__note_write(&place, BP_ESYS, "it crashed", three, 1));
}

static void test_write_and_read(void)
{
    leave_one();
    CU_ASSERT(bp__note_write(&place, BP_ETIMEOUT, "it took long", three, 3)); /* the first is still needed */
    CU_ASSERT(is_there(".crash.5") && is_there(".crash.5.1"));
    read_notes();
    CU_ASSERT_EQUAL_FATAL(notes.count, 2);
    const size_t one = notes.note[0].count == 1 ? 0 : 1;
    const bp__note *a = &notes.note[one], *b = &notes.note[1 - one];
    CU_ASSERT(a->count == 1 && a->task[0] == 7 && a->status == BP_ESYS && strcmp(a->why, "it crashed") == 0);
    CU_ASSERT(b->count == 3 && b->task[2] == 99 && b->status == BP_ETIMEOUT);
    CU_ASSERT_STRING_EQUAL(notes.odd, "");
    MUST(bp__note_remove(&place, a));
    MUST(bp__note_remove(&place, b));
    MUST(bp__note_remove(&place, b));
    read_notes();
    CU_ASSERT_EQUAL(notes.count, 0);
}

static void test_of_another_search(void)
{
    bp__note_place other, newer;
    leave_one();
    MUST(bp__note_place_init(journal, "program a\nresults 2\nstrategy other\n", 0, &other));
    MUST(bp__note_place_init(journal, "program b\nresults 2\nstrategy s\n", 0, &newer));
    CU_ASSERT_STRING_EQUAL(newer.search, place.search); /* another program may go on */
    MUST(bp__notes_read(&newer, TASKS, &notes));
    CU_ASSERT_EQUAL(notes.count, 1);
    bp__notes_fini(&notes);
    MUST(bp__notes_read(&other, TASKS, &notes));
    CU_ASSERT_EQUAL(notes.count, 0);
    CU_ASSERT(is_there(".crash.5")); /* until the journal is known to be of that other search */
    MUST(bp__notes_tidy(&other, &notes));
    CU_ASSERT(!is_there(".crash.5"));
    bp__note_place_fini(&other);
    bp__note_place_fini(&newer);
}

static void test_cut_off(void)
{
    struct stat st;
    leave_one();
    CU_ASSERT_EQUAL_FATAL(stat(file(".crash.5"), &st), 0);
    unlink(file(".crash.5"));
    for (off_t size = 0; size < st.st_size; size++) {
        leave_one();
        CU_ASSERT_EQUAL_FATAL(truncate(file(".crash.5"), size), 0);
        read_notes();
        CU_ASSERT_EQUAL(notes.count, 0);
        CU_ASSERT(!is_there(".crash.5"));
    }
}

/* Something else in the place of a note. */
static void put(const char *head, const char *rest)
{
    const int fd = open(file(".crash.5"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_FATAL(dprintf(fd, "%ssearch %s\n%s", head, place.search, rest) > 0);
    close(fd);
}

static void test_nonsense(void)
{
    static const char *const rest[] = {
        "status 13\nwhy x\nend\n",           /* of nothing */
        "status 13\nwhy x\ntask 100\nend\n", /* beyond the search */
        "status 13\nwhy x\ntask -1\nend\n",  /* not a number */
        "status 13\nwhy x\ntask 99999999999999999999\nend\n",
        "status 0\nwhy x\ntask 1\nend\n",          /* no failure */
        "status 77\nwhy x\ntask 1\nend\n",         /* no status */
        "status 13\ntask 1\nend\n",                /* no reason */
        "status 13\nwhy x\ntask 1\nend\ntask 2\n", /* it goes on behind its end */
        "status 13\nwhy x\ntask 1\nending\n",
    };
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        put("bundlepool crash note 1\n", rest[i]);
        read_notes();
        CU_ASSERT_EQUAL(notes.count, 0);
        CU_ASSERT(!is_there(".crash.5"));
    }
    put("bundlepool crash note 2\n", "status 13\nwhy x\ntask 1\nend\n");
    read_notes();
    CU_ASSERT_EQUAL(notes.count, 0);
    put("bundlepool crash note 1\n", "status 13\nwhy \033[2J\ntask 1\nend\n");
    read_notes();
    CU_ASSERT_EQUAL_FATAL(notes.count, 1);
    CU_ASSERT_STRING_EQUAL(notes.note[0].why, "?[2J");
    unlink(file(".crash.5"));
}

static void odd(const char *why)
{
    read_notes();
    CU_ASSERT_EQUAL(notes.count, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(notes.odd, why));
    CU_ASSERT(is_there(".crash.5")); /* it is not ours to remove */
}

static void test_not_believed(void)
{
    char elsewhere[128];
    leave_one();
    CU_ASSERT_EQUAL_FATAL(chmod(file(".crash.5"), 0620), 0);
    odd("others may read or write it");
    CU_ASSERT_EQUAL_FATAL(chmod(file(".crash.5"), 0600), 0);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", folder);
    CU_ASSERT_EQUAL_FATAL(link(file(".crash.5"), elsewhere), 0);
    odd("several names");
    unlink(file(".crash.5"));
    CU_ASSERT_EQUAL_FATAL(symlink(elsewhere, file(".crash.5")), 0);
    odd("not believed");
    unlink(file(".crash.5"));
    CU_ASSERT_EQUAL_FATAL(mkfifo(file(".crash.5"), 0600), 0);
    odd("not a regular file");
    unlink(file(".crash.5"));
    unlink(elsewhere);
    leave_one();
    CU_ASSERT_EQUAL_FATAL(truncate(file(".crash.5"), 1 << 20), 0);
    odd("too large");
    if (geteuid() == 0) {
        CU_ASSERT_EQUAL_FATAL(chown(file(".crash.5"), 12345, 0), 0);
        odd("belongs to another user");
    }
    unlink(file(".crash.5"));
}

static void test_names(void)
{
    static const char *const others[] = {".crash.", ".crash.x", ".crash.5x", ".crash"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const int fd = open(file(others[i]), O_WRONLY | O_CREAT, 0600);
        CU_ASSERT_FATAL(fd >= 0);
        close(fd);
    }
    read_notes();
    CU_ASSERT_EQUAL(notes.count, 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) CU_ASSERT_EQUAL(unlink(file(others[i])), 0);
}

static void test_no_room(void)
{
    bp__note_place gone = place;
    gone.folder = -1;
    CU_ASSERT(!bp__note_write(&gone, BP_ESYS, "it crashed", three, 1));
    CU_ASSERT_EQUAL(errno, EBADF);
    FAILS(bp__note_place_init("/nonesuch/journal", TEXT, 0, &gone), BP_EIO, "/nonesuch/journal");
}

int main(void)
{
    CU_TestInfo tests[] = {{"what is left is read", test_write_and_read},
                           {"notes of another search", test_of_another_search},
                           {"a note that is cut off anywhere", test_cut_off},
                           {"nonsense", test_nonsense},
                           {"what others could have left", test_not_believed},
                           {"files with similar names", test_names},
                           {"where none can be left", test_no_room},
                           CU_TEST_INFO_NULL};
    if (!mkdtemp(folder)) return 1;
    snprintf(journal, sizeof journal, "%s/x.journal", folder);
    if (bp__note_place_init(journal, TEXT, 5, &place) != BP_OK) return 1;
    const int code = suite_main("note", tests);
    bp__notes_fini(&notes);
    bp__note_place_fini(&place);
    return rmdir(folder) == 0 ? code : 1; /* nothing is left behind */
}
